"""Runs migrations over asyncpg, on the database that ``DATABASE_URL`` names."""

import asyncio

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.pool import NullPool

from app.core.database import create_engine
from app.core.models import Base
from app.core.settings import MissingSettingError, Settings
from app.features import load_models

load_models()


def settings() -> Settings:
    """Return the environment's settings, or those that a caller of Alembic's API passed on."""
    given: Settings | None = context.config.attributes.get("settings")
    # To build an index may take hours. What waits for a lock still gives up, and holds up nobody.
    return (given or Settings()).model_copy(update={"database_statement_timeout": None})


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        # A migration that fails leaves those before it applied, and itself not at all.
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_online() -> None:
    engine = create_engine(settings(), poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


def run_offline() -> None:
    """Print the SQL instead of running it: ``alembic upgrade head --sql``."""
    context.configure(
        dialect_name="postgresql",
        target_metadata=Base.metadata,
        literal_binds=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


try:
    if context.is_offline_mode():
        run_offline()
    else:
        asyncio.run(run_online())
except MissingSettingError as error:
    raise CommandError(str(error)) from None
