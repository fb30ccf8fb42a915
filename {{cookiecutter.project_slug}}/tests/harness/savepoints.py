"""One connection, on which BEGIN, COMMIT and ROLLBACK are a savepoint's, inside one transaction.

Sessions run on it as they do in production, on an engine of the same kind. That engine's driver is
in autocommit mode and sends none of the three by itself: the listeners here send what takes their place.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any, Self

import asyncpg
from sqlalchemy import AdaptedConnection, Connection, ExceptionContext, StaticPool, event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.database import sessions_on

# A savepoint of its own, because SET CONSTRAINTS would last until the end of the test.
CHECK = (
    "SAVEPOINT deferred; SET CONSTRAINTS ALL IMMEDIATE;"
    "ROLLBACK TO SAVEPOINT deferred; RELEASE SAVEPOINT deferred"
)

AUTOCOMMIT: dict[str, Any] = {
    "poolclass": StaticPool,  # every session gets the same connection
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
        self.sessions = sessions_on(engine)
        self._names = (f"unit_{number}" for number in count())
        self._held: dict[Connection, str] = {}
        # Made together with the release of the one before: half the round trips of a test.
        self._unused: str | None = None
        self._driver: asyncpg.Connection | None = None
        for name, listener in {
            "begin": self._begin,
            "commit": self._commit,
            "rollback": self._rollback,
            "before_cursor_execute": self._use,
            "handle_error": self._recover,
        }.items():
            event.listen(engine.sync_engine, name, listener)

    @classmethod
    @asynccontextmanager
    async def on(cls, engine: AsyncEngine) -> AsyncGenerator[Self]:
        """Own them, and the engine, for as long as the block runs."""
        try:
            yield cls(engine)
        finally:
            await engine.dispose()

    async def end(self) -> None:
        """Check the constraints that are still deferred, as a commit would; undo everything."""
        driver, self._driver, self._unused = self._driver, None, None
        self._held.clear()
        if driver is None or driver.is_closed():
            return
        try:
            with suppress(asyncpg.InFailedSQLTransactionError):  # the test has met the reason
                await driver.execute("SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK")
        finally:
            if driver.is_in_transaction():
                await driver.execute("ROLLBACK")

    def _begin(self, connection: Connection) -> None:
        if self._unused is None:
            self._unused = next(self._names)
            outer = "" if self._driver else "BEGIN; "
            self._send(connection, f"{outer}SAVEPOINT {self._unused}")
            self._driver = connection.connection.driver_connection
        self._held[connection], self._unused = self._unused, None

    def _commit(self, connection: Connection) -> None:
        name, following = self._held.pop(connection), next(self._names)
        try:
            self._send(connection, f"{CHECK}; RELEASE SAVEPOINT {name}; SAVEPOINT {following}")
        except asyncpg.PostgresError:
            self._fail(connection, name)
        self._unused = following

    def _fail(self, connection: Connection, name: str) -> None:
        """Check once more, through SQLAlchemy: for the exception that a commit would raise."""
        with suppress(asyncpg.InvalidSavepointSpecificationError):
            self._send(connection, "ROLLBACK TO SAVEPOINT deferred")
        try:
            connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
        finally:
            self._roll_back(connection, name)

    def _rollback(self, connection: Connection) -> None:
        name = self._held.pop(connection, None)
        if name and not _only_reads(connection):
            self._roll_back(connection, name)

    def _roll_back(self, connection: Connection, name: str) -> None:
        self._send(connection, f"ROLLBACK TO SAVEPOINT {name}")
        self._unused = name

    def _use(self, *_: object) -> None:
        self._unused = None

    def _recover(self, context: ExceptionContext) -> None:
        """In autocommit mode, a statement that fails leaves no transaction behind that has failed."""
        connection = context.connection
        if connection in self._held and _only_reads(connection) and not context.is_disconnect:
            self._send(connection, f"ROLLBACK TO SAVEPOINT {self._held[connection]}")

    def _send(self, connection: Connection, sql: str) -> None:
        adapted = connection.connection.dbapi_connection
        assert isinstance(adapted, AdaptedConnection)
        adapted.run_async(lambda driver: driver.execute(sql))


def _only_reads(connection: Connection) -> bool:
    """Tell whether a ``ReadSession`` uses this connection: production has no transaction there."""
    level: str | None = connection.get_execution_options().get("isolation_level")
    return level == "AUTOCOMMIT"
