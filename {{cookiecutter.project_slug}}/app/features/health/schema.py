"""Whether the database has the schema that this code needs."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.settings import ROOT

# By its default: the session that asks is read-only.
NEVER_MIGRATED = """
SELECT ARRAY[]::text[] AS revisions, pg_is_in_recovery() OR reset_val = 'on' AS refuses_writes
FROM pg_settings WHERE name = 'default_transaction_read_only'
"""
STATE = NEVER_MIGRATED.replace("[]::text[]", "(SELECT version_num FROM alembic_version)")

NO_TABLE = "42P01"


class BehindError(Exception):
    """The database lacks a migration that this code needs; the message names the revisions."""


class ReadOnlyServerError(Exception):
    """The primary does not take writes."""

    def __init__(self) -> None:
        super().__init__("The database does not take writes.")


class Revisions(NamedTuple):
    """The revisions that this code was made with."""

    all: frozenset[str]
    heads: frozenset[str]


@cache
def of_code(migrations: Path = ROOT / "migrations") -> Revisions:
    """Read them; once, since code does not change while it runs."""
    # Here, because its import takes as long as that of half the rest, and only this needs it.
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(migrations)
    known = frozenset(revision.revision for revision in script.walk_revisions())
    return Revisions(known, frozenset(script.get_heads()))


class State(NamedTuple):
    """What a server says of itself."""

    revisions: frozenset[str]
    """The newest that its schema has; none if it was never migrated."""
    refuses_writes: bool


async def of_database(session: AsyncSession) -> State:
    """Ask the server, in one round trip."""
    try:
        row = (await session.execute(text(STATE))).one()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != NO_TABLE:
            raise
        row = (await session.execute(text(NEVER_MIGRATED))).one()
    return State(frozenset(row.revisions), row.refuses_writes)


def is_behind(found: frozenset[str], code: Revisions) -> bool:
    """Tell whether a migration is missing.

    A revision that this code does not know was made by newer code, which migrates before it is
    started: then this process serves on until it is replaced.
    """
    return found <= code.all and found != code.heads


async def check(session: AsyncSession, *, is_primary: bool) -> None:
    """Raise if a migration is missing, or if the primary takes no writes."""
    code, state = of_code(), await of_database(session)
    if is_primary and state.refuses_writes:
        raise ReadOnlyServerError
    if is_behind(state.revisions, code):
        raise BehindError(
            f"The database is at revision {_named(state.revisions)},"
            f" and the code needs {_named(code.heads)}."
        )


def _named(revisions: frozenset[str]) -> str:
    return " and ".join(sorted(revisions)) or "none"
