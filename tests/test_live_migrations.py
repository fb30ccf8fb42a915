"""A live system is migrated: at once by many, killed, locked out, and under load."""

import re
import shutil
import signal
import time
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import releases
from tests.live import Live
from tests.releases import FIRST, write
from tests.served import wait_until

pytestmark = pytest.mark.heavy

HEAD = "SELECT version_num FROM alembic_version"
INDEXES = (
    "SELECT indisvalid, count(*) FROM pg_index JOIN pg_class ON oid = indexrelid"
    " WHERE relname = 'ix_products_description' GROUP BY 1"
)

HELD = 4.0
"""Seconds that a transaction goes on after the migration met it; with 30 the test takes longer, and shows the same."""


@pytest.fixture
def live(installed: Path, server: str) -> Generator[Live]:
    with Live.on(installed, server) as live:
        yield live


@pytest.mark.parametrize(
    "upgrade",
    [
        'op.execute("ALTER TABLE products ADD COLUMN colour text")',
        'online.create_index("ix_products_description", "products", ["description"])',
    ],
    ids=["in a transaction", "concurrently"],
)
def test_of_eight_that_migrate_at_once_one_does_it_and_all_succeed(
    workshop: Path, live: Live, upgrade: str
) -> None:
    write(workshop, "r2", FIRST, upgrade)
    write(workshop, "r3", "r2", 'op.execute("SELECT pg_sleep(0.5)")')

    processes = [live.alembic(workshop, "upgrade", "head") for _ in range(8)]
    said = [process.communicate(timeout=60)[0] for process in processes]

    assert [process.returncode for process in processes] == [0] * 8, said
    for revision in (FIRST, "r2", "r3"):
        assert len(re.findall(f"^Done: upgrade .*-> {revision},", "".join(said), re.M)) == 1
    assert live.query(HEAD) == [["r3"]]


@pytest.mark.parametrize(
    ("upgrade", "held", "midway"),
    [
        (
            'op.execute("ALTER TABLE products ADD COLUMN a int"); op.execute("SELECT pg_sleep(3)")',
            "SELECT 1",
            "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
        ),
        (
            'online.create_index("ix_products_description", "products", ["description"])',
            "INSERT INTO products (name) VALUES ('what an index waits for')",
            "SELECT count(*) = 1 FROM pg_index WHERE NOT indisvalid",
        ),
        (
            'online.in_batches("INSERT INTO products (name) SELECT uuidv7()'
            ' WHERE (SELECT count(*) FROM products) < 300 AND pg_sleep(0.01) IS NOT NULL")',
            "SELECT 1",
            "SELECT count(*) > 20 FROM products",
        ),
    ],
    ids=["in a transaction", "concurrently", "in batches"],
)
def test_what_is_killed_midway_is_finished_by_the_next(
    workshop: Path, live: Live, upgrade: str, held: str, midway: str
) -> None:
    live.upgrade(workshop)
    write(workshop, "r2", FIRST, upgrade)

    with live.holding(held):
        killed = live.alembic(workshop, "upgrade", "head")
        live.wait_for(midway, "the migration to be midway")
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
    assert live.query(HEAD) == [[FIRST]]

    live.upgrade(workshop)

    assert live.query(HEAD) == [["r2"]]
    assert live.query(INDEXES) in ([], [[True, 1]])


@pytest.mark.load
def test_a_migration_behind_a_long_transaction_stops_no_reader_and_succeeds_later(
    workshop: Path, live: Live, tmp_path: Path
) -> None:
    live.upgrade(workshop)
    rotation = tmp_path / "rotation"
    with live.serving(workshop) as port:
        rotation.write_text(str(port))
        write(workshop, "r2", FIRST, 'op.execute("ALTER TABLE products ADD COLUMN colour text")')
        with live.loaded(rotation, rate=50, body=None) as seen:
            with live.holding("SELECT FROM products"):
                migration = live.alembic(workshop, "upgrade", "head")
                assert migration.stdout
                assert "no lock within 0.2 s" in migration.stdout.readline()
                time.sleep(HELD)
                assert migration.poll() is None
            said, _ = migration.communicate(timeout=30)

    assert migration.returncode == 0, said
    assert {answer.status for answer in seen} == {200}
    slowest = sorted(answer.seconds for answer in seen)[len(seen) * 99 // 100]
    print(f"p99 of {len(seen)} reads behind a migration that waits: {slowest:.3f} s")
    assert slowest < 0.5


@pytest.mark.load
def test_a_rolling_change_answers_every_request(workshop: Path, live: Live, tmp_path: Path) -> None:
    """A column is added, an integer widened, an enum replaced, while two releases serve."""
    old = workshop
    releases.make_old(old)
    live.upgrade(old)
    new = shutil.copytree(old, tmp_path / "new")
    releases.make_new(new)
    rotation = tmp_path / "rotation"

    def wait_for_rows(more: int) -> None:
        count = "SELECT count(*) FROM products"
        goal = live.query(count)[0][0] + more
        wait_until(lambda: live.query(count)[0][0] >= goal, f"{goal} rows")

    body = {"size": 7, "status": "fresh"}
    with ExitStack() as old_release, ExitStack() as new_release:
        before = old_release.enter_context(live.serving(old))
        rotation.write_text(str(before))
        with live.loaded(rotation, rate=50, body=body) as seen:
            wait_for_rows(50)
            live.upgrade(new)
            after = new_release.enter_context(live.serving(new))
            rotation.write_text(f"{before} {after}")
            wait_for_rows(50)
            rotation.write_text(str(after))
            wait_for_rows(5)
            old_release.close()
            releases.contract(new)
            live.upgrade(new)
            wait_for_rows(50)

    assert [answer for answer in seen if answer.status >= 400] == []
    assert len(seen) > 200
    assert live.query("SELECT DISTINCT size_wide, state FROM products") == [[7, "fresh"]]
