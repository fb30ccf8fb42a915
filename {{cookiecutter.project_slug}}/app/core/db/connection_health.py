"""Connections that died in the pool: they are replaced before a request meets one."""

from contextlib import suppress
from time import monotonic
from typing import Any

import asyncpg
from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_
from sqlalchemy.util.concurrency import in_greenlet

from app.core.db.aborted import USED
from app.core.db.pool import HAS_STATE, READ_ONLY
from app.core.db.sqlstate import (
    READ_ONLY_TRANSACTION,
    STALE,
    CannotConnectError,
    NoAnswerError,
    is_lost,
    sqlstate,
)
from app.core.db.statements import ReadOnlyError, is_read

PING_TIMEOUT = 1.0
"""Seconds for the answer to a ping; after that, the connection counts as dead."""

CLOSE_TIMEOUT = 0.5
"""Seconds to tell the server to stop what it does for a connection; SQLAlchemy's own are 2."""

IDLE_SINCE = "idle since"

DRIVER_ERRORS = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


class ConnectionHealth:
    """Keeps dead connections of one engine from failing a request.

    - A connection that is closed is replaced: asyncpg knows when the server has said so.
    - A connection that was idle for a while is pinged: a firewall drops it without a word.
    - A connection that dies before the loop has noticed is replaced under a BEGIN or a read. Neither
      can have changed anything, so both may be sent twice; no other statement is.
    - A plan that a migration has made stale is prepared again, under a read or under the first
      statement of a transaction.
    - When one is found dead, all that were idle at that time are pinged.
    """

    def __init__(self, ping_after_idle: float, *, is_pooled: bool, switches_mode: bool) -> None:
        self._ping_after_idle = ping_after_idle
        self._is_pooled = is_pooled
        self._switches_mode = switches_mode
        self._suspect_before = 0.0

    def attach(self, engine: AsyncEngine) -> None:
        """Listen to the engine's events, and begin transactions when SQLAlchemy says so."""
        for name, listener in {
            "do_connect": _connect,
            "checkin": _on_checkin,
            "checkout": self._check,
            "begin": self._set_mode,
            "do_execute": self._execute,
            "handle_error": _mark_disconnect,
            "close": close_in_order,
        }.items():
            event.listen(engine.sync_engine, name, listener)
        # Else the driver begins with the first statement that SQLAlchemy executes: what the driver
        # itself was asked to do before, a COPY for instance, would be committed at once.
        dialect: Any = engine.sync_engine.dialect
        dialect.do_begin = self._begin

    def _check(self, connection: Any, record: Any, _: object) -> None:
        idle_since = record.info.get(IDLE_SINCE)
        if idle_since is not None:  # else it is new
            is_suspect = idle_since < max(self._suspect_before, monotonic() - self._ping_after_idle)
            if connection.driver_connection.is_closed() or (
                is_suspect and not _answers(connection, "SELECT")
            ):
                self._suspect_before = monotonic()
                raise InvalidatePoolError

    def _begin(self, proxy: Any) -> None:
        connection = proxy.dbapi_connection
        if connection.autocommit:
            return
        driver = proxy.driver_connection
        driver.resets_at_begin = self._is_pooled
        try:
            await_(connection._start_transaction())
        except connection.dbapi.Error as error:
            if not _is_lost(proxy, error):
                raise
            self._replace(proxy)
            driver = proxy.driver_connection
            await_(proxy.dbapi_connection._start_transaction())
        driver.operations_at_begin = driver.operations

    def _execute(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        proxy = context.root_connection.connection
        reads = _is_read(proxy)
        if not (reads or _is_first(proxy)):
            return False
        try:
            context.dialect.do_execute(cursor, statement, parameters, context)
        except context.dialect.dbapi.Error as error:
            if not (isinstance(error, STALE) or (reads and _is_lost(proxy, error))):
                raise
            context.handle_dbapi_exception(error)  # forgets what was prepared, on any connection
            self._replace(proxy)
            self._set_mode(context.root_connection)
            self._begin(proxy)
            cursor.__init__(proxy.dbapi_connection)
            context.dialect.do_execute(cursor, statement, parameters, context)
        return True

    def _set_mode(self, connection: Connection) -> None:
        """Let the connection's transactions be read-only by default, or as the server has it.

        The pool has chosen one that is so already, if it could.
        """
        if not self._switches_mode:
            return
        proxy: Any = connection.connection
        read_only = is_read(connection)
        if proxy._connection_record.info.get(READ_ONLY, False) is read_only:
            return
        if _switch(proxy, read_only=read_only):
            return
        try:
            self._replace(proxy)
            if read_only and not _switch(proxy, read_only=True):
                raise CannotConnectError(ConnectionError("The new connection does not answer."))
        except proxy.dbapi_connection.dbapi.Error as error:
            connection._handle_dbapi_exception(error, None, None, None, None)

    def _replace(self, proxy: Any) -> None:
        """Put a new connection in the place of this one, as the pool does when a ping fails."""
        self._suspect_before = monotonic()
        record, old = proxy._connection_record, proxy.dbapi_connection
        options = old.isolation_level, old.readonly, old.deferrable
        at_checkin = [*record.finalize_callback]  # which ends these options
        record.invalidate()
        new = proxy.dbapi_connection = record.get_connection()
        new.isolation_level, new.readonly, new.deferrable = options
        record.finalize_callback.extend(at_checkin)


def _connect(dialect: Any, _: object, arguments: Any, options: Any) -> Any:
    try:
        return dialect.connect(*arguments, **options)
    except OSError as error:  # refused, unreachable, unknown, too late
        raise CannotConnectError(error) from error


CLEAN = "RESET ALL; SELECT pg_advisory_unlock_all(); DISCARD TEMP"


def _on_checkin(connection: Any, record: Any) -> None:
    record.info[IDLE_SINCE] = monotonic()
    if connection is not None and record.info.pop(HAS_STATE, False):
        record.info[READ_ONLY] = False
        if not (in_greenlet() and _answers(connection, CLEAN)):
            record.invalidate()


def _switch(proxy: Any, *, read_only: bool) -> bool:
    mode = "SET default_transaction_read_only = on"
    info = proxy._connection_record.info
    info[READ_ONLY] = None  # not known, if the request is cancelled meanwhile
    answers = _answers(proxy, mode if read_only else "RESET default_transaction_read_only")
    if answers:
        info[READ_ONLY] = read_only
    return answers


def _answers(connection: Any, statement: str) -> bool:
    """Run the statement, and tell whether the server has answered in time."""
    driver = getattr(connection, "driver_connection", connection)
    try:
        await_(driver.execute(statement, timeout=PING_TIMEOUT))
    except DRIVER_ERRORS:
        driver.terminate()
        return False
    return True


def _is_read(proxy: Any) -> bool:
    """Tell whether PostgreSQL runs what comes next in a read-only transaction of its own."""
    in_autocommit: bool = proxy.dbapi_connection.autocommit
    record = proxy._connection_record
    if not in_autocommit or record is None or proxy.driver_connection.is_in_transaction():
        return False
    return bool(record.info.get(READ_ONLY))


def _is_first(proxy: Any) -> bool:
    """Tell whether the connection was not used since its transaction began; the next time it was."""
    driver = proxy.driver_connection
    is_unused: bool = driver.operations_at_begin == driver.operations
    driver.operations_at_begin = USED  # a prepared statement is no operation of the connection
    return is_unused


def _is_lost(proxy: Any, error: Exception) -> bool:
    closed: bool = proxy.driver_connection.is_closed()
    return closed or (is_lost(error) and sqlstate(error) != READ_ONLY_TRANSACTION)


def _mark_disconnect(context: ExceptionContext) -> Exception | None:
    """Say which errors end a connection, and wrap those that SQLAlchemy passes on as they are."""
    error = context.original_exception
    if sqlstate(error) == READ_ONLY_TRANSACTION and is_read(context.connection):
        return ReadOnlyError()
    if isinstance(error, OSError):  # TimeoutError is one
        context.is_disconnect = True
        return NoAnswerError(error)
    if isinstance(error, CannotConnectError) or is_lost(error):
        context.is_disconnect = True
    if isinstance(error, DRIVER_ERRORS):  # while rows of a server-side cursor are fetched
        return _wrap(context, error)
    return None


def _wrap(context: ExceptionContext, error: BaseException) -> Exception:
    """Make of the driver's error what SQLAlchemy makes of it when a statement is executed."""
    dbapi: Any = context.dialect.loaded_dbapi
    translate = dbapi._asyncpg_error_translate
    kind = next(translate[base] for base in type(error).__mro__ if base in translate)
    wrapped: Exception = DBAPIError.instance(
        context.statement,
        None,
        kind(str(error), error),
        dbapi.Error,
        hide_parameters=True,
        connection_invalidated=context.is_disconnect,
        dialect=context.dialect,
    )
    return wrapped


def close_in_order(connection: Any, _: object) -> None:
    """Close it in order, so that the server stops what it does; one that is gone is not waited for."""
    driver = connection.driver_connection
    with suppress(Exception):  # asyncpg has then cut it off
        connection.run_async(lambda _: driver.close(timeout=CLOSE_TIMEOUT))
