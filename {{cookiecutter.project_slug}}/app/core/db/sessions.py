"""The sessions that `Database` gives to features."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, NoReturn

from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.util import greenlet_spawn

from app.core.db.scope import ACTING, Block
from app.core.db.statements import (
    IS_READ,
    NeedsTransactionError,
    ReadOnlyError,
    UsageError,
    check_statements,
)

ONLY_DATABASE_ENDS = (
    "Only `Database` commits or closes a session: when its block ends, or the route returns. To undo"
    " what was done, use session.rollback(); for a commit of its own, `database.transaction()`."
)

Sessions = Callable[[], "BlockSession"]


class EndedSessionError(UsageError, InvalidRequestError):
    """A session was used after its block."""

    def __init__(self) -> None:
        super().__init__(
            "This session has ended with its block: take `CurrentDatabase`, and open"
            " `database.transaction()` or `database.read()` where the work is done."
        )


class BlockSession(AsyncSession):
    """A session that ends with its block, and not before: what it was to write would be lost.

    Tasks that use it at once take it one after the other.
    """

    block: Block | None = None
    has_ended = False
    running: asyncio.Task[Any] | None = None
    """The task whose statement runs."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lock = asyncio.Lock()
        """Held while a statement runs: that of another task waits for it."""

    async def after_statement(self) -> None:
        """Do what is due when one of its methods has run."""

    def begin(self) -> Any:
        raise UsageError(ONLY_DATABASE_ENDS)

    async def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise UsageError(ONLY_DATABASE_ENDS)

    commit = close = aclose = reset = invalidate = _refuse


async def close(session: BlockSession) -> None:
    """End a session; only ``Database`` does."""
    session.has_ended = True
    sync_session = session.sync_session
    if not (session.lock.locked() or sync_session.in_transaction()):
        sync_session.close()  # it holds no connection: nothing is to be waited for
        return
    async with session.lock:
        await AsyncSession.close(session)


async def undo(session: BlockSession) -> None:
    """Roll back, and end the session.

    In a task of its own, so that it comes to its end when its request is cancelled once more.
    """
    try:
        await asyncio.shield(asyncio.create_task(close(session)))
    except Exception:  # the connection is broken, and the first error says why
        await AsyncSession.invalidate(session)


async def commit(session: BlockSession) -> None:
    """Commit; only ``Database`` calls it."""
    async with session.lock:
        await AsyncSession.commit(session)


def statement_methods(session: type[AsyncSession] = AsyncSession) -> set[str]:
    """Return the names of the methods that may take a connection."""
    coroutines = {name for name, _ in inspect.getmembers(session, inspect.iscoroutinefunction)}
    ends = {"commit", "rollback", "close", "aclose", "reset", "invalidate"}
    public = {name for name in coroutines if not name.startswith("_")}
    return public - ends - {"close_all"}  # of all sessions


def _in_block(method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    @wraps(method)
    async def statement(self: BlockSession, *args: Any, **options: Any) -> Any:
        if self.has_ended:
            raise EndedSessionError
        task = asyncio.current_task()
        if self.running is task:  # one method calls another
            return await method(self, *args, **options)
        await self.lock.acquire()
        self.running = task
        token = ACTING.set(self.block)
        try:
            try:
                return await method(self, *args, **options)
            finally:
                await self.after_statement()
        finally:
            ACTING.reset(token)
            self.running = None
            self.lock.release()

    return statement


for _name in statement_methods():
    setattr(BlockSession, _name, _in_block(getattr(AsyncSession, _name)))


class QuerySession(BlockSession):
    """A session without a transaction: each statement takes a connection and gives it back."""

    keeps_connection = False

    async def connection(self, *args: Any, **options: Any) -> Any:
        self.keeps_connection = True  # its caller will use it
        return await super().connection(*args, **options)

    def begin_nested(self) -> Any:
        raise NeedsTransactionError("A savepoint")

    async def after_statement(self) -> None:
        """Give the connection back; what was loaded stays."""
        transaction = self.sync_session.get_transaction()
        if transaction is not None and not self.keeps_connection:
            await greenlet_spawn(transaction.close)

    def check_unchanged(self) -> None:
        """Raise if objects wait to be written, which never will be."""
        session = self.sync_session
        if session.identity_map.check_modified() or session.new or session.deleted:
            raise ReadOnlyError


def sessions_on(
    engine: AsyncEngine, replica: AsyncEngine | None = None, **read: Any
) -> list[Sessions]:
    """Return what makes sessions: for transactions, for reads, and for reads of the replica.

    ``read`` has the execution options of reads; by default they run in autocommit.
    """
    read = {IS_READ: True, **(read or {"isolation_level": "AUTOCOMMIT"})}
    servers = [engine, replica] if replica else [engine]
    for server in servers:
        check_statements(server)
    return [
        async_sessionmaker(engine, class_=BlockSession, **OPTIONS),
        *(
            async_sessionmaker(server.execution_options(**read), class_=QuerySession, **OPTIONS)
            for server in servers
        ),
    ]


OPTIONS: dict[str, Any] = {
    "expire_on_commit": False,
    # A session that is used after its block would begin again, and nothing would commit it.
    "close_resets_only": False,
}
