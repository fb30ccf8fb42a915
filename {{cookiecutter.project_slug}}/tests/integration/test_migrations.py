"""The migrations make the schema that the models describe, on an empty database and on one in use."""

import asyncio
from collections.abc import Callable

import pytest
from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.core.models import Base
from app.features import load_models
from tests.harness.catalog import things, things_of_models
from tests.harness.databases import alembic_config
from tests.harness.migrating import Migrating
from tests.harness.rows import fill

CANARY = text("""
DO $$ BEGIN
    CREATE TYPE colour AS ENUM ('red', 'green');
    CREATE TABLE hues (id bigint, colour colour DEFAULT 'red', CONSTRAINT ck_hues_id CHECK (id > 0));
    CREATE INDEX ix_hues_id ON hues (id) WHERE id > 1;
    COMMENT ON TABLE hues IS 'how a thing looks';
END $$
""")


async def test_models_and_migrations_agree(engine: AsyncEngine) -> None:
    # Raises, and names the differences, where `make migration` would find any.
    await asyncio.to_thread(command.check, alembic_config(engine.url))


async def test_the_schema_is_the_one_of_the_models(engine: AsyncEngine) -> None:
    load_models()
    async with engine.connect() as connection:  # rolled back
        migrated = await connection.run_sync(things)
        described = await connection.run_sync(things_of_models, Base.metadata)

    assert migrated - described == set(), "only migrations make these"
    assert described - migrated == set(), "only models describe these"


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TYPE colour RENAME VALUE 'green' TO 'blue'",
        "ALTER TABLE hues ALTER colour SET DEFAULT 'green'",
        "ALTER TABLE hues DROP CONSTRAINT ck_hues_id, ADD CONSTRAINT ck_hues_id CHECK (id > 1)",
        "ALTER TABLE hues ALTER id SET NOT NULL",
        "ALTER TABLE hues ALTER id TYPE integer",
        "ALTER INDEX ix_hues_id RENAME TO ix_hues",
        "COMMENT ON TABLE hues IS 'how it looks'",
        "COMMENT ON COLUMN hues.id IS 'which'",
    ],
)
async def test_every_difference_is_seen(session: AsyncSession, change: str) -> None:
    connection = await session.connection()
    await connection.execute(CANARY)
    before = await connection.run_sync(things)

    await connection.execute(text(change))

    assert await connection.run_sync(things) != before


def leave_empty(_: Connection) -> None: ...


@pytest.mark.parametrize("rows", [leave_empty, fill], ids=["empty", "in use"])
async def test_every_revision_goes_up_down_and_up(
    migrating: Migrating, rows: Callable[[Connection], None]
) -> None:
    await migrating.climb(rows)

    await asyncio.to_thread(command.check, migrating.config)


async def test_down_to_the_beginning_nothing_is_left(migrating: Migrating) -> None:
    await migrating.upgrade("heads")
    await migrating.downgrade("base")

    left = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    left += " UNION SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace"
    left += " UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    ours = {name for (name,) in await migrating.fetch(left)}
    assert not {name for name in ours if "alembic_version" not in name}


async def test_every_name_follows_the_convention(session: AsyncSession) -> None:
    """Else a migration cannot drop it, and `conflict_on` cannot tell it."""
    unconventional = text("""
        SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        AND NOT starts_with(conname, CASE contype WHEN 'p' THEN 'pk_' WHEN 'u' THEN 'uq_'
            WHEN 'c' THEN 'ck_' WHEN 'f' THEN 'fk_' WHEN 'x' THEN 'ex_' ELSE '' END)
        UNION ALL
        SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class c ON c.oid = indexrelid
        WHERE relnamespace = 'public'::regnamespace AND relname !~ '^(pk|uq|ix|ex)_'
    """)

    assert set(await session.scalars(unconventional)) <= {"alembic_version_pkc"}


async def test_every_time_has_a_zone(session: AsyncSession) -> None:
    without = text(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type LIKE '%without time zone'"
    )

    assert (await session.execute(without)).all() == []


async def test_rows_of_an_earlier_revision_are_right_after_it(own_revisions: Migrating) -> None:
    """The pattern for a migration that changes data: arrange before it, upgrade, assert.

    For a revision of the project, take `migrating` and write none.
    """
    own_revisions.write("r1", 'op.execute("CREATE TABLE people (given text, family text)")')
    add = 'op.execute("ALTER TABLE people ADD COLUMN name text")'
    own_revisions.write("r2", add)
    own_revisions.write(
        "r3",
        "online.in_batches(\"UPDATE people SET name = concat_ws(' ', given, family)"
        ' WHERE ctid IN (SELECT ctid FROM people WHERE name IS NULL LIMIT 2)")',
    )
    await own_revisions.upgrade("r2")
    await own_revisions.fetch(
        "INSERT INTO people VALUES ('Ada', 'Lovelace'), ('Plato', NULL), ('', ''), ('A', 'B')"
    )

    await own_revisions.upgrade("r3")

    names = await own_revisions.fetch("SELECT name FROM people ORDER BY 1")
    assert names == [(" ",), ("A B",), ("Ada Lovelace",), ("Plato",)]
