"""Databases of tests: each has one owner, and none is touched that the tests did not make."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import asyncpg
import pytest
from alembic.util import CommandError
from sqlalchemy import URL

from tests.harness.databases import MARK, PREFIX, Databases, Schema
from tests.harness.given_server import RefusedError
from tests.harness.servers import connect


async def names(connection: asyncpg.Connection) -> set[str]:
    return {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}


@pytest.fixture
async def admin(postgres: URL) -> AsyncGenerator[asyncpg.Connection]:
    """A connection to the server, outside every database of the tests."""
    connection = await connect(postgres)
    yield connection
    await connection.close()


async def test_every_clone_is_another_database_and_goes_with_its_owner(
    databases: Databases, admin: asyncpg.Connection
) -> None:
    template = "SELECT oid FROM pg_database WHERE datistemplate AND datname = $1"

    async with databases.clone() as one:
        made = await admin.fetchval(template, await databases.template_name())
        async with databases.clone() as other:
            assert one.database != other.database

    assert not {one.database, other.database} & await names(admin)
    # Both from one template, which is made once.
    assert await admin.fetchval(template, await databases.template_name()) == made is not None


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
    postgres: URL, admin: asyncpg.Connection, folder: Path
) -> None:
    made: set[str | None] = set()

    def note_and_fail(url: URL) -> NoReturn:
        made.add(url.database)
        fail(url)

    async with Databases.on(postgres, Schema(own_folder(folder), note_and_fail)) as databases:
        with pytest.raises(RefusedError, match=r"The migrations do not run, .*: There are 2 heads"):
            await databases.template()

        assert await databases.template_name() not in await names(admin)
    assert made
    assert not made & await names(admin)


def own_folder(folder: Path) -> Path:
    """Return the folder, with a file like no other: no template is named after it."""
    (folder / "revision.py").write_text(str(uuid4()), "utf-8")
    return folder


def fail(_: URL) -> NoReturn:
    raise CommandError("There are 2 heads")


async def test_a_database_with_the_name_of_a_template_is_not_touched(
    postgres: URL, admin: asyncpg.Connection, folder: Path
) -> None:
    async with Databases.on(postgres, Schema(own_folder(folder), fail)) as databases:
        name = await databases.template_name()
        await admin.execute(f"CREATE DATABASE {name}")

        with pytest.raises(RefusedError, match=f"{name} has the name of a template of the tests"):
            await databases.template()

    assert name in await names(admin)
    await admin.execute(f"DROP DATABASE {name}")


async def test_a_database_that_took_the_place_of_a_clone_is_not_dropped(
    databases: Databases, admin: asyncpg.Connection
) -> None:
    async with databases.clone() as url:
        await admin.execute(f"DROP DATABASE {url.database}")
        await admin.execute(f"CREATE DATABASE {url.database}")

    assert url.database in await names(admin)
    await admin.execute(f"DROP DATABASE {url.database}")


@pytest.mark.parametrize("path", ["versions/1_add.py", "versions/add.sql", "env.toml", "rows"])
async def test_a_template_is_named_after_every_file_of_the_migrations(
    path: str, postgres: URL, folder: Path
) -> None:
    async with Databases.on(postgres, Schema(folder, fail)) as databases:
        (folder / path).parent.mkdir(exist_ok=True)
        found = {await databases.template_name()}
        for content in ("one", "two"):
            (folder / path).write_text(content, "utf-8")
            found.add(await databases.template_name())

    assert len(found) == 3
