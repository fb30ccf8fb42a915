"""Whether the database has the schema that this code needs."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import column, select, table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.settings import ROOT

VERSIONS = select(column("version_num")).select_from(table("alembic_version"))
NO_TABLE = "42P01"


class BehindError(Exception):
    """The database lacks a migration that this code needs; the message names the revisions."""


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


async def of_database(session: AsyncSession) -> frozenset[str]:
    """Return the newest revisions that the database has; none, if nobody migrated it."""
    try:
        return frozenset(await session.scalars(VERSIONS))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != NO_TABLE:
            raise
        return frozenset()


def is_behind(found: frozenset[str], code: Revisions) -> bool:
    """Tell whether a migration is missing.

    A revision that this code does not know was made by newer code, which migrates before it is
    started: then this process serves on until it is replaced.
    """
    return found <= code.all and found != code.heads


async def check(session: AsyncSession) -> None:
    """Raise ``BehindError`` if a migration is missing. It costs no more than ``SELECT 1``."""
    code = of_code()
    found = await of_database(session)
    if is_behind(found, code):
        raise BehindError(
            f"The database is at revision {_named(found)}, and the code needs {_named(code.heads)}."
        )


def _named(revisions: frozenset[str]) -> str:
    return " and ".join(sorted(revisions)) or "none"
