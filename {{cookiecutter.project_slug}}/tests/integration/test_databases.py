"""Databases of tests: each has one owner, and none is touched that the tests did not make."""

from collections.abc import AsyncGenerator
from typing import NoReturn

import asyncpg
import pytest
from alembic.util import CommandError
from sqlalchemy import URL

from tests.harness import databases as harness
from tests.harness.databases import MARK, PREFIX, Databases, template_name
from tests.harness.given_server import RefusedError


async def names(connection: asyncpg.Connection) -> set[str]:
    return {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}


@pytest.fixture
async def admin(postgres: URL) -> AsyncGenerator[asyncpg.Connection]:
    """A connection to the server, outside every database of the tests."""
    dsn = postgres.set(drivername="postgresql").render_as_string(hide_password=False)
    connection: asyncpg.Connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


async def test_every_clone_is_another_database_and_goes_with_its_owner(
    databases: Databases, admin: asyncpg.Connection
) -> None:
    template = "SELECT oid FROM pg_database WHERE datistemplate AND datname = $1"

    async with databases.clone() as one:
        made = await admin.fetchval(template, template_name())
        async with databases.clone() as other:
            assert one.database != other.database

    assert not {one.database, other.database} & await names(admin)
    # Both from one template, which is made once.
    assert await admin.fetchval(template, template_name()) == made is not None


async def test_what_a_killed_run_left_is_dropped_and_nothing_else(
    postgres: URL, admin: asyncpg.Connection, unique_resource_name: str
) -> None:
    ending = unique_resource_name.replace("-", "_")[-32:]
    orphan, unmarked = f"{PREFIX}_run_{ending}", f"{PREFIX}_run_x{ending}"
    for name in (orphan, unmarked):
        await admin.execute(f"CREATE DATABASE {name}")
    await admin.execute(f"COMMENT ON DATABASE {orphan} IS '{MARK}'")

    async with (
        Databases.on(postgres) as another_run,
        another_run.clone() as clone,
        Databases.on(postgres),
    ):
        left = await names(admin)

    assert orphan not in left
    assert {unmarked, clone.database} <= left
    await admin.execute(f"DROP DATABASE {unmarked}")


async def test_migrations_that_do_not_run_are_one_answer_for_the_whole_run(
    databases: Databases,
    admin: asyncpg.Connection,
    unique_resource_name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = f"{PREFIX}_template_{unique_resource_name[-16:]}"
    monkeypatch.setattr(harness, "template_name", lambda: name)
    monkeypatch.setattr(harness, "migrate", fail)

    with pytest.raises(RefusedError, match=r"The migrations do not run, .*: There are 2 heads"):
        await databases.template()

    await admin.execute(f"DROP DATABASE {name}")


def fail(_: URL) -> NoReturn:
    raise CommandError("There are 2 heads")
