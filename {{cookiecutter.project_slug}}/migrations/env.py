"""Runs migrations over asyncpg, on the database that ``DATABASE_URL`` names.

What keeps a live system alive meanwhile, and how to write a revision: docs/migrations.md.
"""

import asyncio
from typing import Any

import asyncpg
from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool

from app.core.db.engine import create_engine
from app.core.models import Base
from app.features import load_models
from app.settings import Settings
from migrations import autogenerate
from migrations.patience import Steps, insist, limits
from migrations.refusals import (
    check_files,
    check_known,
    check_one_head,
    naming_database,
    naming_revision,
    refusing_settings,
)
from migrations.turn import wait_for_turn

OLDEST_SERVER = 18
"""The first PostgreSQL with ``uuidv7()``."""


def settings() -> Settings:
    """Return the environment's settings, or those that a caller of Alembic's API passed on."""
    given: Settings | None = context.config.attributes.get("settings")
    changes: dict[str, Any] = {
        # The driver's own deadline goes with it, and an index may take hours: see patience.limits().
        "database_statement_timeout": None,
        # The lock that keeps others waiting belongs to one connection, so a pooler would refuse it.
        "database_pooler": "none",
    }
    return (given or Settings()).model_copy(update=changes)


def configure(connection: Connection, **options: Any) -> MigrationContext:
    context.configure(
        connection=connection,
        # A migration that fails leaves those before it applied, and itself not at all.
        transaction_per_migration=True,
        **autogenerate.options(connection, Base.metadata),
        **options,
    )
    return context.get_context()


def report(step: MigrationStep) -> None:
    context.config.print_stdout("Done: %s", step)


def is_nothing_to_do(connection: Connection) -> bool:
    """Tell whether the database is where it shall go; then it waits for no other process."""
    migration = configure(connection)
    goal = migration.opts.get("destination_rev")
    if goal == "head":
        check_one_head(context.script)
    if migration.opts.get("purge"):
        return False
    found = migration.get_current_heads()
    check_known(context.script, found)
    return goal in ("head", "heads") and set(found) == set(context.script.get_heads())


def run() -> None:
    with autogenerate.ignoring_harmless(), context.begin_transaction():
        context.run_migrations()


def attempt(connection: Connection, steps: Steps) -> None:
    configure(connection, fn=steps)
    run()


async def run_online() -> None:
    check_files(context.script)
    engine = create_engine(settings(), poolclass=NullPool)
    with naming_database(engine.url):
        async with engine.connect() as connection:
            await run_on(connection)


async def run_on(connection: AsyncConnection) -> None:
    driver = await driver_of(connection)
    if await connection.run_sync(is_nothing_to_do):
        return
    await connection.rollback()  # Alembic would take an open transaction for the caller's
    load_models()
    options = context.get_context().opts
    if options.get("dont_mutate"):
        await connection.run_sync(lambda _: run())
        return
    await driver.execute(limits())
    await wait_for_turn(driver)
    steps = Steps(options["fn"], report)
    with naming_revision(steps):
        await insist(connection, steps, lambda: connection.run_sync(attempt, steps))


async def driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    driver = (await connection.get_raw_connection()).driver_connection
    if not isinstance(driver, asyncpg.Connection):
        raise TypeError(driver)
    version = driver.get_server_version()
    if version.major < OLDEST_SERVER:
        found = f"{version.major}.{version.micro}"
        raise CommandError(f"PostgreSQL {OLDEST_SERVER} or newer is needed, and this is {found}.")
    return driver


def run_offline() -> None:
    """Print the SQL instead of running it: ``alembic upgrade head --sql``."""
    context.configure(
        dialect_name="postgresql",
        target_metadata=Base.metadata,
        literal_binds=True,
        transaction_per_migration=True,
    )
    run()


with refusing_settings():
    if context.is_offline_mode():
        run_offline()
    else:
        asyncio.run(run_online())
