"""A ``Database`` whose every transaction is a savepoint inside one that is rolled back."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncSession

from tests.harness.isolated import Isolated, TestSession
from tests.harness.savepoints import Savepoints
from tests.harness.turns import Turns


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
        async with sandbox.turns.take("the test's session"):
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

    committed = 0
    """How many transactions of the application."""

    def __init__(self, savepoints: Savepoints) -> None:
        super().__init__(*savepoints.sessions)
        self.savepoints = savepoints
        self.turns = Turns()

    @classmethod
    @asynccontextmanager
    async def on(cls, savepoints: Savepoints) -> AsyncGenerator[Self]:
        """Undo everything when the block ends: a test within a test."""
        sandbox = cls(savepoints)
        try:
            yield sandbox
        finally:
            await sandbox.close()

    async def close(self) -> None:
        """Wait for the unit that still runs, check what it left, and undo everything."""
        try:
            await self.turns.close()
        finally:
            try:
                await self.savepoints.end()
            finally:
                await self.close_sessions()

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        async with self.turns.take("a transaction") as unit:
            async with super().transaction() as session:
                try:
                    yield session
                finally:
                    await unit.close()
            self.committed += 1

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncSession]:
        async with self.turns.take("a read") as unit, super().read() as session:
            try:
                yield session
            finally:
                await unit.close()

    def _new_session(self) -> OwnSession:
        return OwnSession(bind=self.savepoints.engine, info={Sandbox: self})
