"""What stops a migration is said in one line, with the next thing to do."""

import asyncio

import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, make_url

from tests.harness.databases import alembic_config
from tests.harness.migrating import Migrating

TABLE = 'op.execute("CREATE TABLE things (n integer)")'
DIE = 'op.execute("SELECT pg_terminate_backend(pg_backend_pid())")'
REQUIRE = 'op.execute("ALTER TABLE things ADD COLUMN colour text NOT NULL")'
NOT_APPLIED = "it is not applied"


async def refusal(config: Config) -> str:
    with pytest.raises(CommandError) as refused:
        await asyncio.to_thread(command.upgrade, config, "head")
    said = str(refused.value)
    assert "\n" not in said
    return said


async def test_a_server_that_does_not_answer_is_named_without_the_password() -> None:
    url = make_url("postgresql://me:correct-horse@127.0.0.1:1/things")

    said = await refusal(alembic_config(url))

    assert said.startswith("The database at 127.0.0.1:1/things cannot be used: ")
    assert "DATABASE_URL" in said
    assert "correct-horse" not in said


async def test_a_database_that_is_not_there_is_named(postgres: URL) -> None:
    said = await refusal(alembic_config(postgres.set(database="nowhere")))

    assert '/nowhere cannot be used: database "nowhere" does not exist. ' in said


async def test_two_heads_are_to_be_joined(own_revisions: Migrating) -> None:
    own_revisions.write("r1", TABLE)
    other = own_revisions.path("r1").read_text("utf-8").replace("r1", "r2")
    own_revisions.path("r2").write_text(other, "utf-8")

    assert "There are 2 heads, r1 and r2: join them" in await refusal(own_revisions.config)


async def test_what_another_branch_has_migrated_is_to_be_taken_back(
    own_revisions: Migrating,
) -> None:
    own_revisions.write("r1", TABLE)
    own_revisions.write("r2", "pass")
    await own_revisions.upgrade()
    own_revisions.path("r2").unlink()

    said = await refusal(own_revisions.config)

    assert "The database is at r2, which this checkout does not have" in said
    assert "alembic downgrade -1" in said


@pytest.mark.parametrize(
    ("upgrade", "reason", "outcome"),
    [
        (REQUIRE, 'column "colour" of relation "things" contains null values', NOT_APPLIED),
        ("nothing", "NameError: name 'nothing' is not defined", NOT_APPLIED),
        (DIE, "connection was closed", "the connection is lost. Run this again"),
    ],
    ids=["SQL", "Python", "connection"],
)
async def test_a_revision_that_fails_is_named_with_its_line_and_the_reason(
    own_revisions: Migrating, upgrade: str, reason: str, outcome: str
) -> None:
    own_revisions.write("r1", TABLE)
    await own_revisions.upgrade()
    await own_revisions.fetch("INSERT INTO things VALUES (1)")
    own_revisions.write("r2", upgrade)

    said = await refusal(own_revisions.config)

    assert f"upgrade r1 -> r2 ({own_revisions.path('r2')}, line 9): {reason}" in said
    assert outcome in said


@pytest.mark.parametrize(
    ("after", "reason"),
    [("(", "'(' was never closed (r1.py, line 1)"), ("down_revision = 'r0'", "Revision r0 ")],
    ids=["syntax", "gap"],
)
async def test_revisions_that_cannot_be_read_are_named(
    own_revisions: Migrating, after: str, reason: str
) -> None:
    own_revisions.path("r1").write_text(f"revision = 'r1'; {after}", "utf-8")

    assert f"migrations/versions: {reason}" in await refusal(own_revisions.config)
