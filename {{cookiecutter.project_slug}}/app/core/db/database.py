"""`Database`: the only module that commits."""

from collections.abc import AsyncGenerator, Generator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from typing import Annotated, Any, Self

from fastapi import Depends, Response
from fastapi.requests import HTTPConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.core.db.engine import open_engine, read_options
from app.core.db.returned_errors import declares_error, is_error, notice_returned_errors
from app.core.db.scope import current_block, open_block
from app.core.db.sessions import (
    QuerySession,
    Sessions,
    close,
    commit,
    sessions_on,
    undo,
)
from app.core.db.sqlstate import OutcomeUnknownError
from app.settings import Settings

notice_returned_errors()


class Database:
    """Gives out sessions: one for each transaction, one for each read."""

    def __init__(
        self, transactions: Sessions, reads: Sessions, replica_reads: Sessions | None = None
    ) -> None:
        self._transactions = transactions
        self._reads = replica_reads or reads
        self._servers = [reads, replica_reads] if replica_reads else [reads]

    @classmethod
    def over(cls, engine: AsyncEngine, replica: AsyncEngine | None = None, **read: Any) -> Self:
        """Take every session's connection from the engine's pool; to read, from the replica's."""
        return cls(*sessions_on(engine, replica, **read))

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Begin; commit when the block ends, roll back when it raises."""
        return _Transaction(self._transactions, open_block("a transaction"))

    def read(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Give a session for queries: no BEGIN and no COMMIT, two round trips fewer."""
        return _Read(self._reads, open_block("a read", read_only=True))

    def probes(self) -> list[AbstractAsyncContextManager[AsyncSession]]:
        """Return a read for each server, the primary first, that does not wait in the queue."""
        return [
            _Read(sessions, open_block("a probe", read_only=True, queues=False))
            for sessions in self._servers
        ]


class _SessionBlock:
    """The block of one session, which it closes.

    A class, because each request enters one, and a generator's context manager costs it 2 %.
    """

    __slots__ = ("_make", "_open", "block", "session")

    def __init__(self, make: Sessions, opening: open_block) -> None:
        self._make = make
        self._open = opening

    async def __aenter__(self) -> AsyncSession:
        self.block = self._open.__enter__()
        self.session = self._make()
        self.session.block = self.block
        return self.session

    async def __aexit__(self, kind: object, error: BaseException | None, _: object) -> None:
        try:
            if error is None:
                await self._finish()
        except BaseException:
            await undo(self.session)
            raise
        else:
            await (close if error is None else undo)(self.session)
        finally:
            self._open.__exit__()

    async def _finish(self) -> None:
        """Do what ends a block that has raised nothing."""


class _Transaction(_SessionBlock):
    async def __aenter__(self) -> AsyncSession:
        session = await super().__aenter__()
        self.block.may_commit = False
        return session

    async def _finish(self) -> None:
        session = self.session
        await session.flush()  # so that a commit only commits
        if session.in_transaction():
            self.block.may_commit = True
            with _unknown_if_lost():
                await commit(session)
            self.block.scope.has_committed = True


class _Read(_SessionBlock):
    async def _finish(self) -> None:
        if isinstance(self.session, QuerySession):
            self.session.check_unchanged()


@contextmanager
def _unknown_if_lost() -> Generator[None]:
    """Raise ``OutcomeUnknownError`` if the server may have committed before its answer got lost."""
    try:
        yield
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise OutcomeUnknownError from error


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncGenerator[Database]:
    """Own the engines for as long as the block runs."""
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(open_engine(settings))
        replica = None
        if settings.database_read_url:
            url = settings.database_read_url.get_secret_value()
            replica = await stack.enter_async_context(open_engine(settings, url=url))
        yield Database.over(engine, replica, **read_options(settings))


# Async, as every dependency is: FastAPI calls others in a thread, at the price of a whole query.
async def get_database(connection: HTTPConnection) -> Database:
    """Return the application's database; the tests override this and nothing else."""
    # From the lifespan's state: a mounted application has a state of its own, and sees that one too.
    database: Database = connection.state.database
    return database


CurrentDatabase = Annotated[Database, Depends(get_database)]


async def _transaction(
    database: CurrentDatabase, connection: HTTPConnection, response: Response
) -> AsyncGenerator[AsyncSession]:
    async with database.transaction() as session:
        yield session
        block = current_block()
        has_failed = block is not None and block.scope.has_failed
        if has_failed or is_error(response) or declares_error(connection.scope.get("route")):
            await session.rollback()


async def _read(database: CurrentDatabase) -> AsyncGenerator[AsyncSession]:
    async with database.read() as session:
        yield session


# scope="function" ends the block before the response starts, so that a 2xx means committed.
# FastAPI's default scope sends the response first, and a commit that fails after it is lost.
Session = Annotated[AsyncSession, Depends(_transaction, scope="function")]
"""A transaction for this request; rolled back if the response is an error, raised or returned."""

ReadSession = Annotated[AsyncSession, Depends(_read, scope="function")]
"""Queries for this request."""
