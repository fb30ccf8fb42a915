"""One connection, on which BEGIN, COMMIT and ROLLBACK are a savepoint's, inside one transaction.

Sessions run on it as they do in production, on an engine of the same kind. That engine's driver is
in autocommit mode and sends none of the three by itself: the listeners here send what takes their place.
"""

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any, Self

import asyncpg
from asyncpg.transaction import Transaction
from sqlalchemy import AdaptedConnection, Connection, Engine, StaticPool, event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_

from app.core.db.aborted import AbortedTransactionError
from app.core.db.connection_health import close_in_order
from app.core.db.scope import Block, acting_block
from app.core.db.sessions import sessions_on
from app.core.db.sqlstate import STALE
from app.core.db.statements import ReadOnlyError, is_read
from tests.harness.connection_lock import ConnectionLock, SandboxError
from tests.harness.statements import Statements, TransactionEndedError

# What ends with a transaction in PostgreSQL: roles, settings and temporary tables.
END_OF_TRANSACTION = "RESET SESSION AUTHORIZATION; RESET ALL; DISCARD TEMP"

# Both end with the savepoint. The second one shows whether a read makes itself able to write.
READ_ONLY = "SET TRANSACTION READ ONLY"
READS = f"{READ_ONLY}; SET LOCAL default_transaction_read_only = on"

INITIALLY_DEFERRED = """
SELECT string_agg(DISTINCT format('%I.%I', nspname, name), ', ') FROM (
    SELECT connamespace AS namespace, conname AS name FROM pg_constraint WHERE condeferred
    UNION SELECT relnamespace, tgname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
    WHERE tginitdeferred AND tgconstraint = 0
) AS deferred JOIN pg_namespace n ON n.oid = namespace
"""

ONLY_AFTER_COMMIT = re.compile(
    r"\b(NOTIFY\s|pg_notify\s*\(|pg_current_xact_id|txid_current|pg_export_snapshot)", re.IGNORECASE
)
"""What the end of a real transaction, or the number of one, would show."""

LOCKS = re.compile(r"\bpg_locks\b", re.IGNORECASE)
"""Where the locks of the application's earlier transactions still stand."""

ANOTHER_LEVEL = re.compile(
    r"^\s*(?:SET|START|BEGIN)\b.*\bISOLATION\s+LEVEL\s+(SERIALIZABLE|REPEATABLE\s+READ)",
    re.I | re.S,
)

CHANGES_SCHEMA = re.compile(r"\s*(CREATE|ALTER|DROP)\b", re.IGNORECASE)


class SandboxPool(StaticPool):
    """Gives everyone the same connection: to the application one block at a time."""

    _sqla_logger_namespace = "sqlalchemy.pool.SandboxPool"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lock = ConnectionLock()
        self.of_test = Block("the test's session")
        """The block for which the lock is held already."""
        self.kept: Any = None
        """The connection that was given up last."""

    def _do_get(self) -> ConnectionPoolEntry:
        block = acting_block() or Block("a connection")
        if block is not self.of_test:
            if not self.lock.try_acquire(block):
                await_(self.lock.acquire(block))
            self.lock.holder = block
        return super()._do_get()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        entry: Any = record
        if entry.dbapi_connection is None and self.kept:
            # The test's session may use it too.
            entry.dbapi_connection, entry.starttime = self.kept, time.time()
        block = self.lock.holder
        if block and acting_block() is not self.of_test:
            self.lock.holder = None
            self.lock.release(block)


UNLOCK = "SELECT pg_advisory_unlock_all()"
"""A rollback keeps the locks of a session."""

AUTOCOMMIT: dict[str, Any] = {
    "poolclass": SandboxPool,
    "pool_reset_on_return": None,
    "isolation_level": "AUTOCOMMIT",
}
"""What an engine needs for ``Savepoints``."""


class Savepoints:
    """The savepoints of one test after another; what they kept is gone when a test ends."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.loop = asyncio.get_running_loop()
        """The one that their connection belongs to."""
        self.statements = Statements(engine, self._pool.of_test)
        self.sessions = sessions_on(engine)
        self.committed = 0
        """How many transactions of the application."""
        self._fresh: Connection | None = None
        """The connection that has begun, and not executed anything yet."""
        self._names = (f"unit_{number}" for number in count())
        self._held: dict[Connection, str] = {}
        # Made together with the release of the one before: half the round trips of a test.
        self._unused: str | None = None
        self._is_given_up = False
        """Whether a session has given up the connection, as after a statement that was cancelled."""
        self._given_up: str | None = None
        """The savepoint of that session."""
        self._outer: Transaction | None = None
        self._driver: asyncpg.Connection | None = None
        self._restore: str | None = None
        """SQL that defers again what is initially deferred; unknown after a change of the schema."""
        self._changed_schema = False
        """Whether this test has changed the schema: to roll back changes it too."""
        event.listen(Engine, "before_cursor_execute", self._use)
        self._keep_connection()
        for name, listener in {
            "do_execute": self._execute,
            "begin": self._begin,
            "commit": self._commit,
            "rollback": self._rollback,
            "after_cursor_execute": self._check_mode,
            "handle_error": self._recover,
        }.items():
            event.listen(engine.sync_engine, name, listener)

    @property
    def lock(self) -> ConnectionLock:
        return self._pool.lock

    @property
    def of_test(self) -> Block:
        return self._pool.of_test

    @property
    def _pool(self) -> SandboxPool:
        pool = self.engine.pool
        assert isinstance(pool, SandboxPool)
        return pool

    @classmethod
    @asynccontextmanager
    async def on(cls, engine: AsyncEngine) -> AsyncGenerator[Self]:
        """Own them, and the engine, for as long as the block runs."""
        savepoints = cls(engine)
        try:
            yield savepoints
        finally:
            event.remove(Engine, "before_cursor_execute", savepoints._use)
            await engine.dispose()

    async def end(self) -> None:
        """Check the constraints that are still deferred, as a commit would; undo everything."""
        driver, outer = self._driver, self._outer
        self._driver = self._outer = None
        self._forget_schema()
        self._changed_schema = False
        if driver is None or outer is None or driver.is_closed():
            self._forget()
            return
        if not driver.is_in_transaction():
            self._forget()
            await self._reconnect()
            raise TransactionEndedError("A statement of this test, sent past SQLAlchemy,")
        try:
            await self._undo_what_was_given_up(driver)
            self._forget()
            with suppress(asyncpg.InFailedSQLTransactionError):  # the test has met the reason
                await driver.execute("SET CONSTRAINTS ALL IMMEDIATE")
        finally:
            await outer.rollback()
            await driver.execute(UNLOCK)
            if self.statements.leave_traces():
                await self._reconnect()

    def _forget(self) -> None:
        self._held.clear()
        self._is_given_up = False
        self._given_up = self._unused = None

    async def _reconnect(self) -> None:
        """Close the connection, with all that a rollback leaves in it; the next test gets another."""
        before = self._pool
        await self.engine.dispose()
        self._pool.lock, self._pool.of_test = before.lock, before.of_test

    def raise_if_refused(self) -> None:
        """Fail a test whose application has caught what the sandbox refused."""
        refused, self.lock.refused = self.lock.refused, None
        if refused:
            raise refused

    def _keep_connection(self) -> None:
        """Let a connection that a session gives up be kept; production would close it."""
        engine: Any = self.engine.sync_engine
        event.remove(engine, "close", close_in_order)
        event.listen(engine, "invalidate", self._keep)
        engine.dialect.do_terminate = lambda _: None

    def _keep(self, adapted: AdaptedConnection, *_: object) -> None:
        self._pool.kept, self._is_given_up = adapted, True

    def _prepare(self) -> None:
        """Undo what a session has given up, before anything else is sent."""
        driver = self._driver
        if driver is None:
            return
        if driver.is_closed():
            raise self.lock.refuse("The sandbox has lost its connection, and all rows of the test.")
        if self._is_given_up:
            await_(self._undo_what_was_given_up(driver))

    async def _undo_what_was_given_up(self, driver: asyncpg.Connection) -> None:
        self._is_given_up = False
        for connection in [*self._held]:
            self._note_given_up(connection)
        if name := self._given_up:
            await driver.execute(f"ROLLBACK TO SAVEPOINT {name}")
            self._unused, self._given_up = name, None

    def _note_given_up(self, connection: Connection) -> None:
        if connection.invalidated:
            self._given_up = self._held.pop(connection, self._given_up)

    def _execute(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        """Prepare a stale first statement again, as production does."""
        connection, fresh = context.root_connection, self._fresh
        self._fresh = None
        if connection is not fresh:
            return False
        try:
            context.dialect.do_execute(cursor, statement, parameters, context)
        except STALE as error:
            context.handle_dbapi_exception(error)
            self._send(connection, f"ROLLBACK TO SAVEPOINT {self._held[connection]}")
            cursor.__init__(connection.connection.dbapi_connection)
            context.pre_exec()
            context.dialect.do_execute(cursor, statement, parameters, context)
        return True

    def _begin(self, connection: Connection) -> None:
        self._check_isolation(connection)
        if self._driver is None:
            # As SQLAlchemy begins in production: the driver's own transactions are then savepoints.
            driver = connection.connection.driver_connection
            assert isinstance(driver, asyncpg.Connection)
            self._driver = driver
            self._outer = outer = driver.transaction()
            self._run(connection, lambda _: outer.start())
        sql = []
        if self._unused is None:
            self._unused = next(self._names)
            sql.append(f"SAVEPOINT {self._unused}")
        options = connection.get_execution_options()
        if is_read(connection):
            sql.append(READS)
        elif options.get("postgresql_readonly"):
            sql.append(READ_ONLY)
        if sql:
            self._send(connection, "; ".join(sql))
        self._held[connection], self._unused = self._unused, None
        self._fresh = connection

    def _check_isolation(self, connection: Connection) -> None:
        level = connection.get_execution_options().get("isolation_level", "AUTOCOMMIT")
        if level == "READ COMMITTED":
            adapted: Any = connection.connection.dbapi_connection
            adapted.set_isolation_level("autocommit")
        elif level != "AUTOCOMMIT":
            raise self._refuse_level(level)

    def _refuse_level(self, level: str) -> SandboxError:
        return self.lock.refuse(f"The sandbox's transaction is READ COMMITTED, and not {level}.")

    def _commit(self, connection: Connection) -> None:
        self._note_given_up(connection)
        if connection.invalidated:
            return  # SQLAlchemy raises what it does in production
        name, following = self._held.pop(connection), next(self._names)
        if is_read(connection):
            self._roll_back(connection, name)
            return
        restore = self._restore_of(connection)
        try:
            self._send(
                connection,
                f"SET CONSTRAINTS ALL IMMEDIATE; RELEASE SAVEPOINT {name};"
                f" {END_OF_TRANSACTION}; {restore}SAVEPOINT {following}",
            )
        except asyncpg.PostgresError as error:
            self._roll_back(connection, name)
            _raise_as_commit(connection, error)
        self._unused = following
        if acting_block() is not self.of_test:
            self.committed += 1

    def _restore_of(self, connection: Connection) -> str:
        if self._restore is None:
            names: str | None = None
            with suppress(asyncpg.PostgresError):  # aborted: the commit says so
                names = self._run(connection, lambda driver: driver.fetchval(INITIALLY_DEFERRED))
                self._restore = f"SET CONSTRAINTS {names} DEFERRED; " if names else ""
        return self._restore or ""

    def _rollback(self, connection: Connection) -> None:
        self._note_given_up(connection)
        if name := self._held.pop(connection, None):
            self._roll_back(connection, name)

    def _roll_back(self, connection: Connection, name: str) -> None:
        self._send(connection, f"ROLLBACK TO SAVEPOINT {name}")
        self._unused = name
        self._forget_schema()

    def _forget_schema(self) -> None:
        if self._changed_schema:
            self._restore = None

    def _use(self, connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        is_ours = connection.engine.pool is self.engine.pool
        if CHANGES_SCHEMA.match(statement):
            self._restore = None
            self._changed_schema |= is_ours
        if not is_ours:
            return
        self._prepare()
        self._unused = None
        of_application = acting_block() is not self.of_test
        if ONLY_AFTER_COMMIT.search(statement) or (of_application and LOCKS.search(statement)):
            raise self.lock.refuse("The sandbox's transactions are savepoints of one transaction.")
        if level := ANOTHER_LEVEL.search(statement):
            raise self._refuse_level(level[1])

    def _recover(self, context: Any) -> None:
        """In autocommit mode, a statement that fails leaves no transaction behind that has failed."""
        connection = context.connection
        if connection in self._held and is_read(connection) and not context.is_disconnect:
            self._send(connection, f"ROLLBACK TO SAVEPOINT {self._held[connection]}; {READS}")

    def _check_mode(self, connection: Connection, *_: Any) -> None:
        """Raise if a read has made its session able to write, as it does in production."""
        if is_read(connection):
            driver: Any = connection.connection.driver_connection
            if driver.get_settings().default_transaction_read_only != "on":
                raise ReadOnlyError

    def _send(self, connection: Connection, sql: str) -> None:
        self._run(connection, lambda driver: driver.execute(sql))

    def _run(self, connection: Connection, work: Any) -> Any:
        self._prepare()
        adapted = connection.connection.dbapi_connection
        assert isinstance(adapted, AdaptedConnection)
        return adapted.run_async(work)


def _raise_as_commit(connection: Connection, error: asyncpg.PostgresError) -> None:
    """Raise what a real COMMIT would raise."""
    if isinstance(error, asyncpg.InFailedSQLTransactionError):
        raise AbortedTransactionError from error
    adapted: Any = connection.connection.dbapi_connection
    try:
        adapted._handle_exception(error)
    except adapted.dbapi.Error as translated:
        connection._handle_dbapi_exception(translated, None, None, None, None)
