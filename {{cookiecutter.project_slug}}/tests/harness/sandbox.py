"""A ``Database`` whose every transaction is a savepoint inside one that is rolled back.

All sessions share one connection, and a connection does one thing at a time. So each unit of work
takes its turn: it waits until the one before has committed or rolled back. A unit that is opened
inside another one (a service that opens a transaction of its own) takes its turn inside that.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Self

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from app.core.database import QuerySession
from tests.harness.isolated import Isolated, TestSession

PATIENCE = 2.0
"""Seconds to wait for a turn; a unit of work takes milliseconds, so more is a deadlock."""


class TurnError(Exception):
    """A unit of work did not get its turn; the message names the one that kept it."""


class Unit:
    """One unit of work on the connection; inside it, others can take turns."""

    def __init__(self, name: str, parent: "Unit | None" = None) -> None:
        self.name = name
        self.parent = parent
        self.is_open = True
        self._turn = asyncio.Lock()
        self._holder: Unit | None = None

    async def enter(self, unit: "Unit") -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._turn.acquire()
        except TimeoutError:
            holder = self._holder.name if self._holder else "nobody"
            raise TurnError(
                f"{unit.name} waited {PATIENCE:g} s for the test's only connection, which "
                f"{holder} keeps. If both must run at once, mark the test with "
                "@pytest.mark.committed."
            ) from None
        self._holder = unit

    def leave(self) -> None:
        self._holder = None
        self._turn.release()

    async def close(self) -> None:
        """Wait for what still runs inside: its savepoint goes with this one's."""
        await self.enter(self)
        self.is_open = False
        self.leave()


_current: ContextVar[Unit | None] = ContextVar("unit of work", default=None)


def _describe(what: str) -> str:
    """Name a unit for whoever waits for it: by its request, or else by its task."""
    known = structlog.contextvars.get_contextvars()
    if "path" in known:
        return f"{what} of {known['method']} {known['path']}"
    task = asyncio.current_task()
    return f"{what} of {task.get_name() if task else 'no task'}"


class RollbackError(Exception):
    """The test's session would have undone what the application committed."""

    def __init__(self) -> None:
        super().__init__(
            "session.rollback() would also undo what the application has committed since this "
            "session began: call session.commit() after arranging, or let the expected failure "
            "happen inside `async with session.begin_nested()`."
        )


def _in_turn(method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    @wraps(method)
    async def statement(self: "OwnSession", *args: Any, **kwargs: Any) -> Any:
        sandbox: Sandbox = self.info[Sandbox]
        async with sandbox.turn("the test's session"):
            if not self.in_transaction():
                self.began_after = sandbox.committed
            return await method(self, *args, **kwargs)

    return statement


class OwnSession(TestSession):
    """Takes a turn for each statement, so that it can stay open while requests run."""

    began_after: int | None = None
    """How many transactions the application had committed when this session's savepoint began."""

    async def rollback(self) -> None:
        if self.began_after not in (None, self.info[Sandbox].committed):
            raise RollbackError
        await super().rollback()


for _name in (
    *("execute", "scalar", "scalars", "get", "get_one", "stream", "stream_scalars"),
    *("refresh", "merge", "delete", "flush", "run_sync", "connection", "commit", "rollback"),
):
    setattr(OwnSession, _name, _in_turn(getattr(OwnSession, _name)))


class Sandbox(Isolated):
    """Commits and rollbacks behave as in production, and are gone after the test."""

    def __init__(self, connection: AsyncConnection, driver: asyncpg.Connection) -> None:
        # The default mode would let a rollback end the outer transaction, and the next commit last.
        joined: dict[str, Any] = {"bind": connection, "join_transaction_mode": "create_savepoint"}
        super().__init__(
            async_sessionmaker(**joined, expire_on_commit=False),
            async_sessionmaker(**joined, expire_on_commit=False, sync_session_class=QuerySession),
        )
        self.committed = 0
        self._joined = joined
        self._driver = driver
        self._root = Unit("the test")

    @classmethod
    @asynccontextmanager
    async def on(cls, engine: AsyncEngine) -> AsyncGenerator[Self]:
        """Open the outer transaction, and roll it back when the block ends."""
        async with engine.connect() as connection, connection.begin() as transaction:
            driver = (await connection.get_raw_connection()).driver_connection
            assert isinstance(driver, asyncpg.Connection)
            sandbox = cls(connection, driver)
            yield sandbox
            await sandbox.close_sessions()
            await sandbox._root.close()
            # What the test left unchecked: a deferred constraint is checked on commit, and this is none.
            if driver.is_in_transaction():
                await driver.execute("SET CONSTRAINTS ALL IMMEDIATE")
            await transaction.rollback()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        async with self.turn("a transaction") as unit, super().transaction() as session:
            try:
                yield session
            finally:
                await unit.close()
            await session.flush()
            await self._check_deferred(session)
            self.committed += 1

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncSession]:
        async with self.turn("a read") as unit, super().read() as session:
            try:
                yield session
            finally:
                await unit.close()

    def _new_session(self) -> OwnSession:
        return OwnSession(**self._joined, info={Sandbox: self})

    @asynccontextmanager
    async def turn(self, what: str) -> AsyncGenerator[Unit]:
        """Keep the connection for one unit of work; close that before its savepoint goes."""
        parent = self._enclosing()
        unit = Unit(_describe(what), parent)
        await parent.enter(unit)
        _current.set(unit)
        try:
            yield unit
        finally:
            unit.is_open = False
            _current.set(parent)
            parent.leave()

    def _enclosing(self) -> Unit:
        """Return the unit that the caller runs in; a task may have outlived the one it began in."""
        unit = _current.get()
        while unit and not (unit.is_open and self._owns(unit)):
            unit = unit.parent
        return unit or self._root

    def _owns(self, unit: Unit) -> bool:
        while unit.parent:
            unit = unit.parent
        return unit is self._root

    async def _check_deferred(self, session: AsyncSession) -> None:
        """Check deferred constraints as COMMIT does; releasing a savepoint does not."""
        if not self._driver.is_in_transaction():
            return  # SQLAlchemy begins with the first statement, and there was none
        try:
            # In one round trip; rolled back, because SET would last until the end of the test.
            await self._driver.execute(
                "SAVEPOINT deferred; SET CONSTRAINTS ALL IMMEDIATE;"
                "ROLLBACK TO SAVEPOINT deferred; RELEASE SAVEPOINT deferred"
            )
        except asyncpg.IntegrityConstraintViolationError:
            await self._driver.execute("ROLLBACK TO SAVEPOINT deferred")
            # Once more through SQLAlchemy, for the exception that a commit would raise.
            await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            raise
