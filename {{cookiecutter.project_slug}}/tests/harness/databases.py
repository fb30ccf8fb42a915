"""Databases for tests: one template, migrated once and kept; clones of it, each with one owner."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache
from hashlib import sha256
from uuid import uuid4

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.engine import create_engine
from app.settings import ROOT, Settings, project
from tests.harness.given_server import RefusedError
from tests.harness.tablespace import DEFAULT_TABLESPACE, find_tablespace

# PostgreSQL cuts names at 63 bytes: 24 leave room for the kind and the random part.
PREFIX = project.name.replace("-", "_")[:24]
MARK = f"Made by the tests of {project.name}, who may drop it."
"""The comment on every database that the harness made; it touches no other."""

KEPT_TEMPLATES = 5
"""So many branches can be switched between without migrating anew."""


@cache  # they cost as much as a query
def settings_for(url: URL) -> Settings:
    """Production's settings, but nothing from the developer's .env, and shorter deadlines."""
    return Settings(
        _env_file=None,
        environment="development",
        log_format="json",  # written sooner; a test that fails shows it as on a console
        database_url=url.render_as_string(hide_password=False),
        database_pool_size=5,
        database_idle_transaction_timeout=900,  # a test may stand at a breakpoint
    )


@asynccontextmanager
async def engine_on(url: URL) -> AsyncGenerator[AsyncEngine]:
    """Own an engine as the application makes it."""
    engine = create_engine(settings_for(url))
    try:
        yield engine
    finally:
        await engine.dispose()


class Databases:
    """The databases of one process of a test run, all on one server."""

    def __init__(self, url: URL, connection: asyncpg.Connection) -> None:
        self._url = url
        # Its advisory locks say which clones have a living owner.
        self._connection = connection
        self._tablespace = DEFAULT_TABLESPACE

    @classmethod
    @asynccontextmanager
    async def on(cls, url: URL) -> AsyncGenerator["Databases"]:
        """Connect to the server, and first drop what runs that were killed have left there."""
        dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        try:
            connection = await asyncpg.connect(dsn, timeout=10)
        except (OSError, asyncpg.PostgresError) as error:
            raise RefusedError(f"{url!r} cannot be used: {error or type(error).__name__}") from None
        try:
            databases = cls(url, connection)
            await databases._drop_orphans()
            databases._tablespace = await find_tablespace(connection, PREFIX)
            yield databases
        finally:
            await connection.close()

    @asynccontextmanager
    async def clone(self) -> AsyncGenerator[URL]:
        """Own a database with the migrated schema, and no row that a migration did not make."""
        template = await self.template()
        name = f"{PREFIX}_run_{uuid4().hex[:16]}"
        await self._lock(name)
        await self._create(name, template, self._tablespace)
        try:
            yield self._url.set(database=name)
        finally:
            await self._drop(name)
            await self._unlock(name)

    async def template(self) -> str:
        """Return the template for the present migrations; whoever comes first makes it."""
        name = template_name()
        await self._lock(name)
        try:
            if not await self._is_template(name):
                await self._drop(name)  # someone was killed half-way
                await self._create(name, "template1")
                await asyncio.to_thread(_migrate_first, self._url.set(database=name))
                # From now on it is whole; nobody connects to it, so it can always be cloned.
                await self._execute(f"ALTER DATABASE {name} IS_TEMPLATE true")
                await self._execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
                await self._drop_old_templates()
        finally:
            await self._unlock(name)
        return name

    async def _drop_orphans(self) -> None:
        owned = await self._connection.fetch(
            # pg_locks, because the lock of an owner that is connected to another database counts.
            "SELECT classid::bigint << 32 | objid::bigint AS key FROM pg_locks"
            " WHERE locktype = 'advisory' AND objsubid = 1"
        )
        keys = {row["key"] for row in owned}
        for name in await self._made(kind="run"):
            if await self._connection.fetchval(f"SELECT {_KEY}", name) not in keys:
                await self._drop(name)

    async def _drop_old_templates(self) -> None:
        for name in (await self._made(kind="template"))[KEPT_TEMPLATES:]:
            await self._execute(f"ALTER DATABASE {name} IS_TEMPLATE false")
            await self._drop(name)

    async def _made(self, kind: str) -> list[str]:
        """Return the names of the databases that this project's tests made, newest first."""
        rows = await self._connection.fetch(
            "SELECT datname FROM pg_database WHERE starts_with(datname, $1)"
            " AND shobj_description(oid, 'pg_database') = $2 ORDER BY oid DESC",
            f"{PREFIX}_{kind}_",
            MARK,
        )
        return [row["datname"] for row in rows]

    async def _is_template(self, name: str) -> bool:
        query = "SELECT datistemplate FROM pg_database WHERE datname = $1"
        return bool(await self._connection.fetchval(query, name))

    async def _create(self, name: str, template: str, tablespace: str = DEFAULT_TABLESPACE) -> None:
        # To copy files takes half the time, but two checkpoints: only where nothing waits for a disk.
        careful = await self._connection.fetchval("SHOW fsync") == "on"
        strategy = "wal_log" if careful else "file_copy"
        await self._execute(
            f"CREATE DATABASE {name}"
            f" TEMPLATE {template} STRATEGY {strategy} TABLESPACE {tablespace}"
        )
        await self._execute(f"COMMENT ON DATABASE {name} IS '{MARK}'")

    async def _drop(self, name: str) -> None:
        await self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def _lock(self, name: str) -> None:
        await self._execute(f"SELECT pg_advisory_lock({_KEY})", name)

    async def _unlock(self, name: str) -> None:
        await self._execute(f"SELECT pg_advisory_unlock({_KEY})", name)

    async def _execute(self, sql: str, *arguments: object) -> None:
        await self._connection.execute(sql, *arguments)


_KEY = "hashtextextended($1, 0)"


def migrate(url: URL, revision: str = "head") -> None:
    """Run ``alembic upgrade``; not from a running event loop."""
    config = alembic_config(url)
    command.upgrade(config, revision)


def _migrate_first(url: URL) -> None:
    try:
        migrate(url)
    except Exception as error:
        why = f"The migrations do not run, so there is no database to test on: {error}"
        raise RefusedError(why) from error


def alembic_config(url: URL) -> Config:
    """Return Alembic's configuration for this database, for any of its commands."""
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["settings"] = settings_for(url)
    return config


def template_name() -> str:
    """Name the template after a hash of what makes it: the same migrations, the same template."""
    migrations, digest = ROOT / "migrations", sha256()
    for path in sorted(migrations.rglob("*.py")):
        digest.update(f"{path.relative_to(migrations)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return f"{PREFIX}_template_{digest.hexdigest()[:16]}"
