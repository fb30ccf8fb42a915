"""The migrations make the schema that the models describe."""

import asyncio

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.database import create_engine
from tests.harness.databases import Databases, alembic_config, settings_for


async def test_models_and_migrations_agree(engine: AsyncEngine) -> None:
    # Raises, and names the differences, where `alembic revision --autogenerate` would find any.
    await asyncio.to_thread(command.check, alembic_config(engine.url))


def test_there_is_one_head(engine: AsyncEngine) -> None:
    heads = ScriptDirectory.from_config(alembic_config(engine.url)).get_heads()

    assert len(heads) <= 1  # more: `alembic merge heads`


async def test_every_migration_goes_down_and_up_again(databases: Databases) -> None:
    async with databases.clone() as url:
        config = alembic_config(url)
        # A deadline for requests that no migration could keep: it is not for migrations.
        config.attributes["settings"] = settings_for(url).model_copy(
            update={"database_statement_timeout": 0.001}
        )

        await asyncio.to_thread(command.downgrade, config, "base")
        engine = create_engine(settings_for(url))
        async with engine.connect() as connection:
            left = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        await engine.dispose()
        await asyncio.to_thread(command.upgrade, config, "head")
        await asyncio.to_thread(command.check, config)

        assert set(left) <= {"alembic_version"}
