"""Connections to the server that holds the databases of the tests, and what it must offer."""

from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy import URL

from tests.harness.given_server import RefusedError

OLDEST = 15
"""The first version whose CREATE DATABASE has a STRATEGY; the migrations may ask for a newer one."""

CONNECTIONS = 10
"""Connections that one worker has at once, at most: the suite as it is made was seen to have 8."""

IS_POOLER = "DO $$ BEGIN IF pg_backend_pid() <> {} THEN RAISE assert_failure; END IF; END $$"
"""Fails behind a pooler, which gives its clients process ids of its own. One message: any passes it."""

FACTS = """
    SELECT current_setting('server_version_num')::int / 10000 AS version,
        current_database() AS database, current_user AS role,
        rolcreatedb OR rolsuper AS may_create,
        pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS is_read_only,
        least(
            CASE WHEN rolconnlimit >= 0 AND NOT rolsuper THEN rolconnlimit END,
            current_setting('max_connections')::int
                - current_setting('superuser_reserved_connections')::int
                - coalesce(current_setting('reserved_connections', true)::int, 0)
                - (SELECT sum(numbackends) FROM pg_stat_database)
        )::int AS free
    FROM pg_roles WHERE rolname = current_user
"""

ERRORS = (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError)


async def connect(url: URL, **options: Any) -> asyncpg.Connection:
    """Connect as SQLAlchemy does; the caller closes the connection."""
    _, arguments = url.get_dialect()().create_connect_args(url)
    connection: asyncpg.Connection = await asyncpg.connect(**arguments, **options, timeout=10)
    return connection


async def connect_to_server(url: URL) -> asyncpg.Connection:
    """Connect to a server on which tests can run; else raise ``RefusedError``, which says why."""
    try:
        connection = await connect(url)
        try:
            if why := await _why_not(connection, url):
                raise RefusedError(f"{url!r} cannot be used: {why}")
        except BaseException:
            await connection.close()
            raise
    except ERRORS as error:
        raise RefusedError(
            f"{url!r} cannot be used: {str(error) or type(error).__name__}. Tests need PostgreSQL"
            " itself, not a pooler, and a role that may create databases."
        ) from None
    return connection


async def _why_not(connection: asyncpg.Connection, url: URL) -> str | None:
    try:
        await connection.execute(IS_POOLER.format(connection.get_server_pid()))
    except asyncpg.AssertError:
        return (
            "it is a connection pooler. Name the PostgreSQL server behind it: tests make databases,"
            " and hold locks that belong to a connection."
        )
    return why_not(await connection.fetchrow(FACTS), url)


def why_not(facts: Mapping[str, Any], url: URL) -> str | None:
    """Return what is missing on a server of these ``FACTS``, and the next command."""
    role, version, free = facts["role"], facts["version"], facts["free"]
    if facts["database"] != url.database:
        return f"it leads to the database {facts['database']}."
    if version < OLDEST:
        return f"it is PostgreSQL {version}, and tests need {OLDEST} or newer."
    if facts["is_read_only"]:
        return "it is read-only. Name the primary of a replica, or another role."
    if not facts["may_create"]:
        return f'its role may not create databases. Run ALTER ROLE "{role}" CREATEDB.'
    if free < CONNECTIONS:
        return (
            f"{free} connections are free, and tests need {CONNECTIONS}. Raise max_connections or"
            " the limit of the role, or close others."
        )
    return None
