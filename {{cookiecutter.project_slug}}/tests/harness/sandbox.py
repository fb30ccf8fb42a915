"""A ``Database`` whose every transaction is a savepoint inside one that is rolled back."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.scope import acting, acting_block, open_block
from app.core.db.sessions import statement_methods
from tests.harness.isolated import Isolated, TestSession
from tests.harness.savepoints import Savepoints


class RollbackError(Exception):
    """The test's session would have undone what the application committed."""

    def __init__(self, method: str) -> None:
        super().__init__(
            f"session.{method}() would also undo what the application has committed since this"
            " session began: call session.commit() after arranging, or let the expected failure"
            " happen inside `async with session.begin_nested()`."
        )


class OwnSession(TestSession):
    """Takes the connection for each statement, so that it can stay open while requests run."""

    committed_before: int | None = None
    """How many transactions the application had committed when this session's savepoint began."""

    def check_undoes_nothing(self, method: str) -> None:
        """Raise if to end this session's savepoint would undo what the application committed."""
        if self.in_transaction() and self.committed_before != self.info[Sandbox].committed:
            raise RollbackError(method)

    async def __aexit__(self, type_: Any, value: Any, traceback: Any) -> None:
        await self.close()


def _locked(method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    @wraps(method)
    async def statement(self: OwnSession, *args: Any, **options: Any) -> Any:
        sandbox: Sandbox = self.info[Sandbox]
        async with sandbox.exclusive():
            if not self.in_transaction():
                self.committed_before = sandbox.committed
            return await method(self, *args, **options)

    return statement


def _undoing_nothing(name: str) -> Callable[..., Any]:
    method = getattr(TestSession, name)

    @wraps(method)
    async def ending(self: OwnSession, *args: Any, **options: Any) -> Any:
        async with self.info[Sandbox].exclusive():
            self.check_undoes_nothing(name)
            return await method(self, *args, **options)

    return ending


for _name in {*statement_methods(TestSession), "commit"}:
    setattr(OwnSession, _name, _locked(getattr(TestSession, _name)))
for _name in ("rollback", "close", "aclose", "reset", "invalidate"):
    setattr(OwnSession, _name, _undoing_nothing(_name))


class Sandbox(Isolated):
    """Commits and rollbacks behave as in production, and are gone after the test."""

    def __init__(self, savepoints: Savepoints) -> None:
        super().__init__(*savepoints.sessions)
        self.savepoints = savepoints
        self._before = savepoints.committed

    @property
    def committed(self) -> int:
        """How many transactions the application has committed."""
        return self.savepoints.committed - self._before

    @classmethod
    @asynccontextmanager
    async def on(cls, savepoints: Savepoints) -> AsyncGenerator[Self]:
        """Undo everything when the block ends: a test within a test."""
        sandbox = cls(savepoints)
        try:
            yield sandbox
        finally:
            await sandbox.close()

    @asynccontextmanager
    async def exclusive(self) -> AsyncGenerator[None]:
        """Hold the connection, beside the savepoint that the test's session has open."""
        lock = self.savepoints.lock
        if acting_block() is self.savepoints.of_test:  # one method of the session calls another
            yield
            return
        with open_block("the test's session") as block:
            if not lock.try_acquire(block):
                await lock.acquire(block)
            lock.holder = block
            try:
                with acting(self.savepoints.of_test):
                    yield
            finally:
                lock.holder = None
                lock.release(block)

    async def close(self) -> None:
        """Wait for the block that still runs, check what it left, and undo everything."""
        try:
            async with self.exclusive():
                await self.savepoints.end()
        finally:
            with acting(self.savepoints.of_test):
                for session in self._of_test:
                    await AsyncSession.close(session)
            self.savepoints.raise_if_refused()

    def _new_session(self) -> OwnSession:
        return OwnSession(bind=self.savepoints.engine, info={Sandbox: self})
