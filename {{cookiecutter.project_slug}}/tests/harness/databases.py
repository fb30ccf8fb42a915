"""Databases for tests: one template, migrated once and kept; clones of it, each with one owner."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import asyncpg
from alembic import command
from alembic.config import Config
from pydantic_settings import PydanticBaseSettingsSource
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.engine import create_engine
from app.settings import ROOT, Settings, project
from tests.harness.given_server import RefusedError
from tests.harness.servers import connect_to_server
from tests.harness.tablespace import find_tablespace

# PostgreSQL cuts names at 63 bytes: 24 leave room for the kind and the random part.
PREFIX = project.name.replace("-", "_")[:24]
MARK = f"Made by the tests of {project.name}, which may drop it."
"""The comment on every database that the harness made; it touches no other."""

KEPT_TEMPLATES = 5
"""Templates that are kept, so that switching between branches does not migrate again."""


class ExplicitSettings(Settings):
    """Settings that read nothing: neither the environment nor a file."""

    @classmethod
    def settings_customise_sources(
        cls, *_: object, init_settings: PydanticBaseSettingsSource, **__: object
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


@cache  # they cost as much as a query
def settings_for(url: URL) -> Settings:
    """Production's settings for this database, except for the few that are named here."""
    return ExplicitSettings(
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


def migrate(url: URL, revision: str = "head") -> None:
    """Run ``alembic upgrade``; not from a running event loop."""
    config = alembic_config(url)
    command.upgrade(config, revision)


@dataclass(frozen=True)
class Schema:
    """What makes a template: the files that it is named after, and the function that runs them."""

    folder: Path = ROOT / "migrations"
    migrate: Callable[[URL], None] = migrate


class Databases:
    """The databases of one process of a test run, all on one server."""

    def __init__(self, url: URL, connection: asyncpg.Connection, schema: Schema) -> None:
        self._url = url
        # Its advisory locks say which clones have a living owner.
        self._connection = connection
        self._schema = schema
        self._tablespace: str | None = None

    @classmethod
    @asynccontextmanager
    async def on(cls, url: URL, schema: Schema | None = None) -> AsyncGenerator["Databases"]:
        """Connect to the server, and first drop what runs that were killed have left there."""
        connection = await connect_to_server(url)
        try:
            databases = cls(url, connection, schema or Schema())
            await databases._drop_orphans()
            databases._tablespace = await find_tablespace(connection, PREFIX)
            yield databases
        finally:
            await connection.close()

    @asynccontextmanager
    async def clone(self) -> AsyncGenerator[URL]:
        """Own a database with the migrated schema, and no row that a migration did not make."""
        template = await self.template()
        async with self._owned() as name:
            await self._create(name, template, self._tablespace)
            yield self._url.set(database=name)

    @asynccontextmanager
    async def _owned(self) -> AsyncGenerator[str]:
        """Own the name of a database; what has the name at the end is dropped."""
        name = f"{PREFIX}_run_{uuid4().hex[:16]}"
        await self._lock(name)
        try:
            yield name
        finally:
            await self._drop(name)
            await self._unlock(name)

    async def template(self) -> str:
        """Return the template for the present migrations; the first process that asks makes it."""
        name = await self.template_name()
        await self._lock(name)
        try:
            if not await self._is_template(name):
                await self._make_template(name)
                await self._drop_old_templates()
        finally:
            await self._unlock(name)
        return name

    async def template_name(self) -> str:
        """Name the template after all that makes it: equal migrations, owner and server version.

        Only its owner can use what is in it.
        """
        owner = await self._connection.fetchval("SELECT current_user")
        version = self._connection.get_server_version().major
        digest = sha256(f"{owner}\0{version}\0".encode())
        for path in sorted(self._schema.folder.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                name = path.relative_to(self._schema.folder)
                digest.update(f"{name}\0{path.stat().st_size}\0".encode())
                digest.update(path.read_bytes())
        return f"{PREFIX}_template_{digest.hexdigest()[:16]}"

    async def _make_template(self, name: str) -> None:
        async with self._owned() as temporary:
            # No database is cloned from template0 but by its name: it is always free, and as it was.
            await self._create(temporary, "template0")
            await asyncio.to_thread(self._migrate, self._url.set(database=temporary))
            await self._execute(f"ALTER DATABASE {temporary} IS_TEMPLATE true")
            # Without connections it can always be cloned.
            await self._execute(f"ALTER DATABASE {temporary} ALLOW_CONNECTIONS false")
            with suppress(asyncpg.DuplicateDatabaseError):  # a lock holds in one database alone
                # It has the name from the moment on that it is whole.
                await self._execute(f"ALTER DATABASE {temporary} RENAME TO {name}")

    def _migrate(self, url: URL) -> None:
        try:
            self._schema.migrate(url)
        except Exception as error:
            why = f"The migrations do not run, so there is no database to test on: {error}"
            raise RefusedError(why) from error

    async def _drop_orphans(self) -> None:
        """Drop what has no living owner; the names come first: a new one is locked before it is made."""
        names = await self._made(kind="run")
        owned = await self._connection.fetch(
            # pg_locks, because the lock of an owner that is connected to another database counts.
            "SELECT classid::bigint << 32 | objid::bigint AS key FROM pg_locks"
            " WHERE locktype = 'advisory' AND objsubid = 1"
        )
        keys = {row["key"] for row in owned}
        for name in names:
            if await self._connection.fetchval(f"SELECT {_KEY}", name) not in keys:
                await self._drop(name)

    async def _drop_old_templates(self) -> None:
        for name in (await self._made(kind="template"))[KEPT_TEMPLATES:]:
            await self._drop(name)

    async def _made(self, kind: str) -> list[str]:
        """Return the names of the databases that tests of this role made, newest first."""
        rows = await self._connection.fetch(
            "SELECT datname FROM pg_database WHERE starts_with(datname, $1)"
            f" AND {IS_OURS} ORDER BY oid DESC",
            f"{PREFIX}_{kind}_",
            MARK,
        )
        return [row["datname"] for row in rows]

    async def _is_template(self, name: str) -> bool:
        """Tell whether there is such a template; refuse another database of this name."""
        query = f"SELECT {IS_OURS} AND datistemplate FROM pg_database WHERE datname = $1"
        found = await self._connection.fetchval(query, name, MARK)
        if found is False:
            raise RefusedError(
                f"The database {name} has the name of a template of the tests, and was not made by"
                " them: rename it, or drop it."
            )
        return bool(found)

    async def _create(self, name: str, template: str, tablespace: str | None = None) -> None:
        # To copy files takes half the time, but two checkpoints: only where nothing waits for a disk.
        careful = await self._connection.fetchval("SHOW fsync") == "on"
        strategy = "wal_log" if careful else "file_copy"
        place = f" TABLESPACE {tablespace}" if tablespace else ""  # to name any takes a privilege
        await self._execute(
            f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY {strategy} ENCODING 'UTF8'{place}"
        )
        await self._execute(f"COMMENT ON DATABASE {name} IS '{MARK}'")

    async def _drop(self, name: str) -> None:
        """Drop the database if it bears the mark; what does not bear it stays."""
        query = f"SELECT datistemplate FROM pg_database WHERE datname = $1 AND {IS_OURS}"
        is_template = await self._connection.fetchval(query, name, MARK)
        if is_template is None:
            return
        if is_template:
            await self._execute(f"ALTER DATABASE {name} IS_TEMPLATE false")
        await self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def _lock(self, name: str) -> None:
        await self._execute(f"SELECT pg_advisory_lock({_KEY})", name)

    async def _unlock(self, name: str) -> None:
        await self._execute(f"SELECT pg_advisory_unlock({_KEY})", name)

    async def _execute(self, sql: str, *arguments: object) -> None:
        await self._connection.execute(sql, *arguments)


_KEY = "hashtextextended($1, 0)"

IS_OURS = (
    "(shobj_description(oid, 'pg_database') IS NOT DISTINCT FROM $2"
    " AND pg_has_role(datdba, 'USAGE'))"
)
"""Whether the tests made a row of pg_database, by its mark, and this role may drop it."""


def alembic_config(url: URL) -> Config:
    """Return Alembic's configuration for this database, for any of its commands."""
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["settings"] = settings_for(url)
    return config
