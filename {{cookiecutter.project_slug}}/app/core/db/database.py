"""The one seam between the application and PostgreSQL: the only module that commits."""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from typing import Annotated, Any, Self

from fastapi import Depends
from fastapi.requests import HTTPConnection
from sqlalchemy import Executable, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
)

from app.core.db.aborted import refuse_lost_commit
from app.core.db.connection_queue import Admission
from app.core.db.engine import open_engine
from app.core.db.sqlstate import OutcomeUnknownError
from app.settings import Settings


class ReadOnlyError(RuntimeError):
    """Something was written in a session that is for queries only: it would be committed at once."""

    def __init__(self) -> None:
        super().__init__("This session is for queries only: take `Session`, or `transaction()`.")


def _refuse_writes(_: object, statement: Executable, *__: object) -> None:
    if statement.is_dml:
        raise ReadOnlyError


class UnitOfWork(AsyncSession):
    """A session that closes itself, but makes a task of that only when something went wrong.

    SQLAlchemy always does, so that a rollback ends when its request is cancelled once more. When
    all went well there is nothing to roll back, and nothing to wait for.
    """

    async def __aexit__(self, type_: Any, value: Any, traceback: Any) -> None:
        if type_ is None:
            await self.close()
        else:
            await super().__aexit__(type_, value, traceback)


Sessions = Callable[[], AsyncSession]

NO_QUEUE = nullcontext()


class Database:
    """Gives out sessions, a unit of work at a time."""

    def __init__(
        self,
        transactions: Sessions,
        reads: Sessions,
        admit: AbstractAsyncContextManager[None] = NO_QUEUE,
        admit_read: AbstractAsyncContextManager[None] = NO_QUEUE,
    ) -> None:
        self._transactions = transactions
        self._reads = reads
        self._admit = admit
        self._admit_read = admit_read

    @classmethod
    def over(cls, engine: AsyncEngine, replica: AsyncEngine | None = None, **options: Any) -> Self:
        """Take every session's connection from the engine's pool; to read, from the replica's."""
        return cls(*sessions_on(engine, replica), **options)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        """Begin; commit when the block ends, roll back when it raises."""
        async with self._admit, self._transactions() as session:
            yield session
            await session.flush()  # so that a commit only commits
            await refuse_lost_commit(session)
            with _unknown_if_lost():
                await session.commit()

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncSession]:
        """Give a session for queries only: no BEGIN and no COMMIT, two round trips fewer."""
        async with self._admit_read, self._reads() as session:
            yield session


def sessions_on(
    engine: AsyncEngine, replica: AsyncEngine | None = None
) -> tuple[Sessions, Sessions]:
    """Make what makes sessions: for transactions, and for queries only."""
    autocommit = (replica or engine).execution_options(isolation_level="AUTOCOMMIT")
    event.listen(autocommit.sync_engine, "before_execute", _refuse_writes)
    return (
        async_sessionmaker(engine, class_=UnitOfWork, expire_on_commit=False),
        async_sessionmaker(autocommit, class_=UnitOfWork, expire_on_commit=False),
    )


@contextmanager
def _unknown_if_lost() -> Generator[None]:
    """Say so when nobody can tell whether the server committed before its answer got lost."""
    try:
        yield
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise OutcomeUnknownError from error


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncGenerator[Database]:
    """Own the engines for as long as the block runs."""

    def admission() -> Admission:
        return Admission(settings.database_pool_size, settings.database_pool_timeout)

    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(open_engine(settings))
        admit = admit_read = admission()
        replica = None
        if settings.database_read_url:
            url = settings.database_read_url.get_secret_value()
            replica = await stack.enter_async_context(open_engine(settings, url=url))
            admit_read = admission()
        yield Database.over(engine, replica, admit=admit, admit_read=admit_read)


# Async, as every dependency is: FastAPI calls others in a thread, at the price of a whole query.
async def get_database(connection: HTTPConnection) -> Database:
    """Return the application's database; the tests override this and nothing else."""
    database: Database = connection.app.state.database
    return database


CurrentDatabase = Annotated[Database, Depends(get_database)]


async def _transaction(database: CurrentDatabase) -> AsyncGenerator[AsyncSession]:
    async with database.transaction() as session:
        yield session


async def _read(database: CurrentDatabase) -> AsyncGenerator[AsyncSession]:
    async with database.read() as session:
        yield session


# scope="function" ends the block before the response starts, so that a 2xx means committed.
# FastAPI's default scope sends the response first, and a commit that fails after it is lost.
Session = Annotated[AsyncSession, Depends(_transaction, scope="function")]
"""A transaction for this request."""

ReadSession = Annotated[AsyncSession, Depends(_read, scope="function")]
"""Queries for this request."""
