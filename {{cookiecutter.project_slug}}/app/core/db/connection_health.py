"""Connections that die in the pool: no request fails for one, and none asks one that is alive."""

from contextlib import suppress
from time import monotonic
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.sqlstate import STALE, CannotConnectError, NoAnswerError, is_lost

PING_TIMEOUT = 1.0
"""Seconds for the answer to a ping; more, and the connection is as good as dead."""

CLOSE_TIMEOUT = 0.5
"""Seconds to tell the server to stop what it does for a connection; SQLAlchemy's own are 2."""

RESTED = "rested since"


class Upkeep:
    """Looks after the connections of one engine.

    - One that was closed is replaced: asyncpg knows when the server has said goodbye.
    - One that was not used for a while is asked first: a firewall drops it without a word.
    - One that dies before the loop has noticed is replaced under the first statement of a unit of
      work: nothing was done by then, and no answer seen, so nobody can tell that there were two.
    - When one is found dead, all that rested at that time are asked.
    """

    def __init__(self, trusted: float) -> None:
        self._trusted = trusted
        self._doubted_at = 0.0

    def attach(self, engine: AsyncEngine) -> None:
        """Listen to the engine's events."""
        for name, listener in {
            "do_connect": _connect,
            "checkin": _rest,
            "checkout": self._check,
            "do_execute": self._execute,
            "handle_error": _judge,
            "close": _close,
        }.items():
            event.listen(engine.sync_engine, name, listener)

    def _check(self, connection: Any, record: Any, _: object) -> None:
        rested = record.info.get(RESTED)
        if rested is None:  # it is new
            return
        doubtful = rested < max(self._doubted_at, monotonic() - self._trusted)
        if connection.driver_connection.is_closed() or (doubtful and not _answers(connection)):
            self._doubted_at = monotonic()
            raise InvalidatePoolError

    def _execute(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        proxy = context.root_connection.connection
        if not _is_first(proxy, context):
            return False
        try:
            context.dialect.do_execute(cursor, statement, parameters, context)
        except context.dialect.dbapi.Error as error:
            if not (_is_lost(proxy, error) or isinstance(error, STALE)):
                raise
            context.handle_dbapi_exception(error)  # forgets what was prepared, on any connection
            self._doubted_at = monotonic()
            _replace(proxy)
            cursor.__init__(proxy.dbapi_connection)
            context.dialect.do_execute(cursor, statement, parameters, context)
        return True


def _connect(dialect: Any, _: object, arguments: Any, options: Any) -> Any:
    try:
        return dialect.connect(*arguments, **options)
    except OSError as error:  # refused, unreachable, unknown, too late
        raise CannotConnectError(error) from error


def _rest(_: object, record: Any) -> None:
    record.info[RESTED] = monotonic()


def _answers(connection: Any) -> bool:
    driver = connection.driver_connection
    try:
        # The shortest statement that has an answer.
        connection.run_async(lambda _: driver.execute("SELECT", timeout=PING_TIMEOUT))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        driver.terminate()
        return False
    return True


def _is_first(proxy: Any, context: Any) -> bool:
    """Tell whether the statement can be sent twice: it begins a transaction, or only reads."""
    if proxy.driver_connection.is_in_transaction():
        return False
    only_reads: bool = getattr(context.invoked_statement, "is_select", False)
    return only_reads or not proxy.dbapi_connection.autocommit


def _is_lost(proxy: Any, error: Exception) -> bool:
    closed: bool = proxy.driver_connection.is_closed()
    return closed or is_lost(error)


def _replace(proxy: Any) -> None:
    """Put a new connection in the place of this one, as the pool does when a ping fails.

    It is not in autocommit: that ends with the old one. A read then costs a BEGIN and a ROLLBACK.
    """
    record = proxy._connection_record
    record.invalidate()
    proxy.dbapi_connection = record.get_connection()


def _judge(context: ExceptionContext) -> NoAnswerError | None:
    """Say which errors end a connection, and whose they are."""
    error = context.original_exception
    if isinstance(error, OSError):  # TimeoutError is one
        context.is_disconnect = True
        return NoAnswerError(error)
    if isinstance(error, CannotConnectError) or is_lost(error):
        context.is_disconnect = True
    return None


def _close(connection: Any, _: object) -> None:
    """Close it in order, so that the server stops what it does; one that is gone is not waited for."""
    driver = connection.driver_connection
    with suppress(Exception):  # asyncpg has then cut it off
        connection.run_async(lambda _: driver.close(timeout=CLOSE_TIMEOUT))
