"""What the tests of migrations compare, and the rows that they make."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from devkit.migrations.catalog import schema_objects
from devkit.testing.migrating import Migrating
from devkit.testing.rows import fill

SAMPLE = text("""
DO $$ BEGIN
    CREATE TYPE colour AS ENUM ('red', 'green');
    CREATE TABLE hues (id bigint, colour colour DEFAULT 'red', CONSTRAINT ck_hues_id CHECK (id > 0));
    CREATE INDEX ix_hues_id ON hues (id) WHERE id > 1;
    COMMENT ON TABLE hues IS 'how a thing looks';
    ALTER TABLE hues ADD CONSTRAINT ck_hues_few CHECK (id < 9) NOT VALID;
    CREATE TABLE tints (id bigint NOT NULL) PARTITION BY LIST (id);
END $$
""")


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
        "CREATE SCHEMA gallery CREATE TABLE hues (id bigint)",
        "CREATE SEQUENCE hue_numbers",
        "CREATE DOMAIN hue_name AS text",
    ],
)
async def test_every_difference_is_seen(session: AsyncSession, change: str) -> None:
    connection = await session.connection()
    await connection.execute(SAMPLE)
    before = await connection.run_sync(schema_objects)

    await connection.execute(text(change))

    assert await connection.run_sync(schema_objects) != before


ONLY_IN_MIGRATIONS = [
    "CREATE VIEW red_hues AS SELECT id FROM hues WHERE colour = 'red'",
    "CREATE MATERIALIZED VIEW hue_ids AS SELECT id FROM hues",
    "CREATE FUNCTION hue() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    "CREATE POLICY red_only ON hues USING (colour = 'red')",
    "CREATE TABLE tints_1 PARTITION OF tints FOR VALUES IN (1)",
    "CREATE SCHEMA gallery CREATE VIEW hues AS SELECT 1 AS id",
    "ALTER TABLE hues VALIDATE CONSTRAINT ck_hues_few",
]


async def test_what_no_model_describes_is_not_compared(session: AsyncSession) -> None:
    connection = await session.connection()
    await connection.execute(SAMPLE)
    before = await connection.run_sync(schema_objects)

    for change in ONLY_IN_MIGRATIONS:
        await connection.execute(text(change))

    assert await connection.run_sync(schema_objects) == before


async def test_tables_that_refer_to_each_other_get_rows(own_revisions: Migrating) -> None:
    statement = (
        "DO $$ BEGIN CREATE TABLE a (id int PRIMARY KEY, b int NOT NULL);"
        "CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a DEFERRABLE);"
        "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b DEFERRABLE; END $$"
    )
    own_revisions.write("r1", f"op.execute({statement!r})", 'op.execute("DROP TABLE a, b CASCADE")')
    own_revisions.write("r2", "pass")

    await own_revisions.climb(fill)

    assert await own_revisions.fetch(
        "SELECT count(*) FROM a JOIN b ON a.b = b.id AND b.a = a.id"
    ) == [(1,)]


async def test_a_table_that_no_row_fits_is_to_be_declared(own_revisions: Migrating) -> None:
    own_revisions.write(
        "r1", 'op.execute("CREATE TABLE t (a text CHECK (md5(a) IS NULL) NOT NULL)")'
    )
    await own_revisions.upgrade()
    own_revisions.write("r2", "pass")

    with pytest.raises(pytest.fail.Exception, match=r"ROWS of migrations/objects\.py:\n- t: "):
        await own_revisions.climb(fill)
