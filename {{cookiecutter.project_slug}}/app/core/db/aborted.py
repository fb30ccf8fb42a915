"""Errors of the database that a unit of work swallowed.

PostgreSQL answers the COMMIT of a transaction that has failed with a rollback, and no driver calls
that an error: the service would say yes to writes that are lost.
"""

from weakref import WeakSet

from sqlalchemy import Connection, event, text
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

_failed: WeakSet[Connection] = WeakSet()
"""Those on which a statement failed; what was rolled back since is not known."""


def watch_errors(engine: AsyncEngine) -> None:
    """Let ``refuse_lost_commit`` know of every error on the engine's connections."""
    event.listen(engine.sync_engine, "handle_error", _note)


async def refuse_lost_commit(session: AsyncSession) -> None:
    """Raise if the transaction has failed, although whoever works in it goes on."""
    if not _failed or not session.in_transaction():
        return
    connection = await session.connection()
    if connection.sync_connection in _failed:
        # Refused by PostgreSQL, unless a savepoint was rolled back, or the error was the driver's.
        await session.execute(text("SELECT"))


def _note(context: ExceptionContext) -> None:
    if context.connection is not None:
        _failed.add(context.connection)
