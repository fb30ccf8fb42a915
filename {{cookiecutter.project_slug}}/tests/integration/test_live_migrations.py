"""What keeps a system alive while its database is migrated."""

import asyncio
import threading
from collections.abc import Generator
from logging import LogRecord

import pytest
from alembic.util import CommandError

from migrations import patience, turn
from tests.harness.migrating import Migrating

TABLE = 'op.execute("CREATE TABLE things (n integer)")'
COLUMN = 'op.execute("ALTER TABLE things ADD COLUMN {name} text")'
SLEEP = 'op.execute("SELECT pg_sleep(0.15)")'


@pytest.fixture(autouse=True)
def _short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LOCK_TIMEOUT", 0.05)
    monkeypatch.setattr(patience, "STATEMENT_TIMEOUT", 0.1)
    monkeypatch.setattr(patience, "FIRST_PAUSE", 0.01)


@pytest.fixture
def gave_up() -> Generator[threading.Event]:
    """Set when a migration has given up waiting for a lock, to come again later."""
    event = threading.Event()

    def set_event(_: LogRecord) -> bool:
        event.set()
        return True

    patience.logger.addFilter(set_event)
    yield event
    patience.logger.removeFilter(set_event)


async def test_what_gets_no_lock_comes_again_and_nothing_runs_twice(
    own_revisions: Migrating, gave_up: threading.Event
) -> None:
    own_revisions.write("r1", TABLE)
    await own_revisions.upgrade()
    own_revisions.write("r2", 'op.execute("CREATE TABLE others (n integer)")')
    own_revisions.write("r3", COLUMN.format(name="a"))
    own_revisions.write("r4", COLUMN.format(name="b"))

    async with own_revisions.connection.transaction():
        await own_revisions.fetch("SELECT FROM things")
        upgrade = asyncio.create_task(own_revisions.upgrade("+2"))
        assert await asyncio.to_thread(gave_up.wait, 5)
    await upgrade

    assert await own_revisions.fetch("SELECT version_num FROM alembic_version") == [("r3",)]


async def test_who_never_gets_a_lock_says_so_and_leaves_what_came_before(
    own_revisions: Migrating, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "ATTEMPTS", 2)
    own_revisions.write("r1", TABLE)
    await own_revisions.upgrade()
    own_revisions.write("r2", COLUMN.format(name="a"))

    async with own_revisions.connection.transaction():
        await own_revisions.fetch("SELECT FROM things")
        with pytest.raises(CommandError, match="r1 -> r2: no lock in 2 attempts"):
            await own_revisions.upgrade()

    assert await own_revisions.fetch("SELECT version_num FROM alembic_version") == [("r1",)]


async def test_a_statement_that_takes_too_long_is_undone_unless_it_locks_nothing(
    own_revisions: Migrating,
) -> None:
    own_revisions.write("r1", f"with online.without_limits(): {SLEEP}")
    own_revisions.write("r2", f"{TABLE}; {SLEEP}")

    with pytest.raises(CommandError, match=r"r1 -> r2: a statement took more than 0\.1 s"):
        await own_revisions.upgrade()

    assert await own_revisions.fetch("SELECT version_num FROM alembic_version") == [("r1",)]
    assert await own_revisions.fetch("SELECT to_regclass('things')") == [(None,)]


async def test_one_migrates_and_who_has_nothing_to_do_does_not_wait(
    own_revisions: Migrating, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "WAIT", 0)
    own_revisions.write("r1", TABLE)
    await own_revisions.upgrade()

    await own_revisions.fetch(f"SELECT pg_advisory_lock({turn.KEY})")

    await own_revisions.upgrade()
    own_revisions.write("r2", COLUMN.format(name="a"))
    with pytest.raises(CommandError, match="Another process has been migrating"):
        await own_revisions.upgrade()
    await own_revisions.fetch(f"SELECT pg_advisory_unlock({turn.KEY})")
    await own_revisions.upgrade()


async def test_an_index_is_built_beside_writers_and_after_an_attempt_that_failed(
    own_revisions: Migrating,
) -> None:
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_things_n')"
    own_revisions.write("r1", TABLE)
    await own_revisions.upgrade()
    own_revisions.write("r2", 'online.create_index("ix_things_n", "things", ["n"], unique=True)')
    own_revisions.write("r3", 'online.drop_index("ix_things_n", "things")')
    await own_revisions.fetch("INSERT INTO things VALUES (1), (1)")

    with pytest.raises(CommandError, match="could not create unique index"):
        await own_revisions.upgrade("r2")
    assert await own_revisions.fetch(valid) == [(False,)]
    await own_revisions.fetch("DELETE FROM things")
    await own_revisions.upgrade("r2")

    assert await own_revisions.fetch(valid) == [(True,)]
    await own_revisions.upgrade("r3")
    assert await own_revisions.fetch(valid) == []
