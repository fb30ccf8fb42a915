"""Databases of tests: each has one owner, and none is touched that the tests did not make."""

import asyncpg
import pytest
from sqlalchemy import URL

from tests.harness.databases import MARK, PREFIX, Databases


async def names(connection: asyncpg.Connection) -> set[str]:
    return {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}


@pytest.fixture
def dsn(postgres: URL) -> str:
    return postgres.set(drivername="postgresql").render_as_string(hide_password=False)


async def test_every_clone_is_another_database_and_goes_with_its_owner(
    databases: Databases, dsn: str
) -> None:
    async with databases.clone() as one, databases.clone() as other:
        assert one.database != other.database

    connection = await asyncpg.connect(dsn)
    assert not {one.database, other.database} & await names(connection)
    await connection.close()


async def test_what_a_killed_run_left_is_dropped_and_nothing_else(
    postgres: URL, dsn: str, unique_resource_name: str
) -> None:
    ending = unique_resource_name.replace("-", "_")[-32:]
    orphan, stranger = f"{PREFIX}_run_{ending}", f"production_{ending}"
    unmarked = f"{PREFIX}_run_x{ending}"
    connection = await asyncpg.connect(dsn)
    for name in (orphan, stranger, unmarked):
        await connection.execute(f"CREATE DATABASE {name}")
    await connection.execute(f"COMMENT ON DATABASE {orphan} IS '{MARK}'")
    await connection.execute(f"COMMENT ON DATABASE {stranger} IS '{MARK}'")

    async with (
        Databases.on(postgres) as another_run,
        another_run.clone() as clone,
        Databases.on(postgres),
    ):
        left = await names(connection)

    assert orphan not in left
    assert {stranger, unmarked, clone.database} <= left
    for name in (stranger, unmarked):
        await connection.execute(f"DROP DATABASE {name}")
    await connection.close()


async def test_the_template_is_made_once(databases: Databases, dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    query = (
        "SELECT oid FROM pg_database WHERE datistemplate AND starts_with(datname, $1) ORDER BY 1"
    )
    before = await connection.fetch(query, PREFIX)

    async with databases.clone():
        pass

    assert await connection.fetch(query, PREFIX) == before
    assert before
    await connection.close()
