"""Where clones are kept: a database has hundreds of files, and memory makes them several times as fast."""

from uuid import uuid4

import asyncpg

_KEY = "hashtextextended('tablespace', 0)"


async def find_tablespace(connection: asyncpg.Connection, prefix: str) -> str | None:
    """Return the tablespace in memory, if the launcher's server has a folder there."""
    folder = await connection.fetchval(
        "SELECT current_setting('clones.folder', true) FROM pg_roles"
        " WHERE rolname = current_user AND rolsuper"  # others cannot make a tablespace
    )
    if not folder:
        return None
    await connection.execute(f"SELECT pg_advisory_lock({_KEY})")
    try:
        return await _find_or_make(connection, folder, f"{prefix}_memory_")
    finally:
        await connection.execute(f"SELECT pg_advisory_unlock({_KEY})")


async def _find_or_make(connection: asyncpg.Connection, folder: str, prefix: str) -> str:
    known = await connection.fetch(
        "SELECT spcname AS name, pg_tablespace_location(oid) AS folder FROM pg_tablespace"
        " WHERE starts_with(spcname, $1)",
        prefix,
    )
    names = {row["folder"]: str(row["name"]) for row in known}
    if folder in names:
        return names[folder]
    for old in names.values():  # its folder went with its server
        await connection.execute(f"DROP TABLESPACE {old}")
    name = f"{prefix}{uuid4().hex[:16]}"
    await connection.execute(f"CREATE TABLESPACE {name} LOCATION '{folder}'")
    return name
