"""Migration runner: Alembic over asyncpg, one process at a time, with short lock timeouts."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import asyncpg
from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool

from app.core.db.engine import create_engine
from app.core.db.migrations.errors import (
    check_files,
    check_known,
    check_one_head,
    naming_database,
    naming_revision,
    refusing_settings,
)
from app.core.db.migrations.lock_retry import Steps, limits, retry_locked
from app.core.db.migrations.migration_lock import take_migration_lock
from app.settings import Settings

OLDEST_SERVER = 18
"""The first PostgreSQL with ``uuidv7()``."""


def settings() -> Settings:
    """Return the environment's settings, or those that a caller of Alembic's API passed on."""
    given: Settings | None = context.config.attributes.get("settings")
    changes: dict[str, Any] = {
        # The driver's own deadline goes with it, and an index may take hours: see lock_retry.limits().
        "database_statement_timeout": None,
        # The lock that keeps others waiting belongs to one connection, so a pooler would refuse it.
        "database_pooler": "none",
    }
    return (given or Settings()).model_copy(update=changes)


class Comparison(Protocol):
    """What autogenerate compares and writes; only development has it."""

    def options(self, connection: Connection, metadata: MetaData) -> dict[str, Any]: ...

    def ignoring_harmless(self) -> AbstractContextManager[None]: ...


class Runner:
    """One run of Alembic's ``env.py``."""

    def __init__(
        self,
        metadata: MetaData,
        load_models: Callable[[], None],
        comparison: Comparison | None,
    ) -> None:
        self._metadata = metadata
        self._load_models = load_models
        self._comparison = comparison

    def configure(self, connection: Connection, **options: Any) -> MigrationContext:
        if self._comparison:
            options |= self._comparison.options(connection, self._metadata)
        context.configure(
            connection=connection,
            # A migration that fails leaves those before it applied, and itself not at all.
            transaction_per_migration=True,
            **options,
        )
        return context.get_context()

    def is_nothing_to_do(self, connection: Connection) -> bool:
        """Tell whether the database is where it shall go; then it waits for no other process."""
        migration = self.configure(connection)
        goal = migration.opts.get("destination_rev")
        if goal == "head":
            check_one_head(context.script)
        if migration.opts.get("purge"):
            return False
        found = migration.get_current_heads()
        check_known(context.script, found)
        return goal in ("head", "heads") and set(found) == set(context.script.get_heads())

    def run(self) -> None:
        ignoring = self._comparison.ignoring_harmless() if self._comparison else nullcontext()
        with ignoring, context.begin_transaction():
            context.run_migrations()

    def attempt(self, connection: Connection, steps: Steps) -> None:
        self.configure(connection, fn=steps)
        self.run()

    async def run_online(self) -> None:
        check_files(context.script)
        engine = create_engine(settings(), poolclass=NullPool)
        with naming_database(engine.url):
            async with engine.connect() as connection:
                await self.run_on(connection)

    async def run_on(self, connection: AsyncConnection) -> None:
        driver = await driver_of(connection)
        if await connection.run_sync(self.is_nothing_to_do):
            return
        await connection.rollback()  # Alembic would take an open transaction for the caller's
        self._load_models()
        options = context.get_context().opts
        if options.get("dont_mutate"):
            await connection.run_sync(lambda _: self.run())
            return
        await driver.execute(limits())
        await take_migration_lock(driver)
        steps = Steps(options["fn"], report)
        with naming_revision(steps):
            await retry_locked(connection, steps, lambda: connection.run_sync(self.attempt, steps))

    def run_offline(self) -> None:
        """Print the SQL instead of running it: ``alembic upgrade head --sql``."""
        context.configure(
            dialect_name="postgresql",
            target_metadata=self._metadata,
            literal_binds=True,
            transaction_per_migration=True,
        )
        self.run()


def report(step: MigrationStep) -> None:
    context.config.print_stdout("Done: %s", step)


async def driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    driver = (await connection.get_raw_connection()).driver_connection
    if not isinstance(driver, asyncpg.Connection):
        raise TypeError(driver)
    version = driver.get_server_version()
    if version.major < OLDEST_SERVER:
        found = f"{version.major}.{version.micro}"
        raise CommandError(f"PostgreSQL {OLDEST_SERVER} or newer is needed, and this is {found}.")
    return driver


def run(
    metadata: MetaData, load_models: Callable[[], None], comparison: Comparison | None = None
) -> None:
    """Do what Alembic's command asks for, or raise ``CommandError`` with one line to act on."""
    runner = Runner(metadata, load_models, comparison)
    with refusing_settings():
        if context.is_offline_mode():
            runner.run_offline()
        else:
            asyncio.run(runner.run_online())
