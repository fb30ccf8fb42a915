"""How a revision is written, and what many of them cost."""

import re
from pathlib import Path

import pytest

from tests.conftest import Result
from tests.live import Live
from tests.releases import FIRST, write
from tests.workshop import Make, run_tests

COLOUR = "    description: Mapped[str | None]\n    colour: Mapped[str | None]\n"
TITLE = 'add "colour",\n\\d """and""" — more'

TEMPLATES = (
    "SELECT oid, datname FROM pg_database WHERE datistemplate AND datname LIKE 'orders_api%'"
)


def revisions(project: Path) -> set[str]:
    return {path.name for path in (project / "migrations/versions").glob("*.py")}


def assert_refused(result: Result, reason: str) -> None:
    said = [line for line in result.stderr.splitlines() if not line.startswith("make")]
    assert result.returncode != 0
    assert len(said) == 1
    assert reason in said[0]


def test_a_revision_is_written_from_the_models_or_refused_in_one_line(
    workshop: Path, make: Make
) -> None:
    before = revisions(workshop)
    assert_refused(make("migration", "m=add colour"), "run `make migrate`")
    assert make("migrate").returncode == 0
    assert_refused(make("migration", "m=add colour"), "Nothing changed")
    assert_refused(make("migration"), 'make migration m="add colour"')
    assert revisions(workshop) == before

    models = workshop / "app/features/products/models.py"
    source = models.read_text(encoding="utf-8")
    models.write_text(source.replace("    description: Mapped[str | None]\n", COLOUR))
    written = make("migration", f"m={TITLE}")
    assert written.returncode == 0, written.stderr
    (name,) = revisions(workshop) - before
    assert re.fullmatch(r"20\d\d_[01]\d_[0-3]\d_\d{6}_add_colour_d_and_more\.py", name)
    linted = make("lint")
    assert linted.returncode == 0, linted.stdout + linted.stderr

    assert_refused(make("migration", "m=again"), "run `make migrate`")
    assert make("migrate").returncode == 0
    assert_refused(make("migration", "m=again"), "Nothing changed")
    write(workshop, "other", FIRST, "pass")
    assert_refused(make("migration", "m=again"), "There are 2 heads")
    assert revisions(workshop) == before | {name, "other.py"}


@pytest.mark.heavy
def test_a_revision_that_is_written_by_hand_keeps_its_imports(
    workshop: Path, live: Live, make: Make
) -> None:
    before = revisions(workshop)
    said, _ = live.alembic(workshop, "revision", "-m", "by hand").communicate()
    (name,) = revisions(workshop) - before
    revision = workshop / "migrations/versions" / name
    source = revision.read_text(encoding="utf-8")
    revision.write_text(source.replace("    pass", '    op.execute("SELECT 1")', 1))

    linted = make("lint")

    assert linted.returncode == 0, said + linted.stdout + linted.stderr


def test_a_dangerous_revision_is_refused_by_make_lint_until_it_gives_a_reason(
    workshop: Path, make: Make
) -> None:
    write(workshop, "r2", FIRST, 'op.execute("ALTER TABLE products DROP COLUMN description")')
    revision = workshop / "migrations/versions/r2.py"

    refused = make("lint")
    source = revision.read_text(encoding="utf-8")
    revision.write_text(f'{source}\n\nunsafe = {{"ban-drop-column": "a test"}}\n')
    overruled = make("lint")

    assert "migrations/versions/r2.py: ban-drop-column" in refused.stderr
    assert refused.returncode != 0
    assert overruled.returncode == 0, overruled.stdout + overruled.stderr


def test_an_older_server_is_refused_in_one_line(workshop: Path, live: Live) -> None:
    env = workshop / "migrations/env.py"
    source = env.read_text(encoding="utf-8")
    env.write_text(source.replace("OLDEST_SERVER = 18", "OLDEST_SERVER = 99"))

    said, _ = live.alembic(workshop, "upgrade", "head").communicate()

    assert re.search(r"FAILED: PostgreSQL 99 or newer is needed, and this is 18\.\d+\.$", said)


WORDS = """class Status(StrEnum):
    OPEN = "open"
    SENT_OUT = "sent out"


class Product("""
STATUS = '    status: Mapped[Status] = mapped_column(server_default="open")\n'


@pytest.mark.heavy
def test_a_set_of_words_is_a_check_that_comes_and_goes_with_its_column(
    workshop: Path, installed: Path, server: str, make: Make
) -> None:
    models = workshop / "app/features/products/models.py"
    source = models.read_text(encoding="utf-8").replace("class Product(", WORDS)
    column = "    description: Mapped[str | None]\n"
    models.write_text(f"from enum import StrEnum\n{source.replace(column, column + STATUS)}")

    assert make("migrate").returncode == 0
    written = make("migration", "m=add status")
    assert written.returncode == 0, written.stderr

    (path,) = (workshop / "migrations/versions").glob("*_add_status.py")
    assert "create_check_constraint" not in path.read_text(encoding="utf-8")
    result = run_tests(workshop, installed, server, "-k", "test_migrations")
    assert result.returncode == 0, result.stdout


ADD_SIZE = 'op.execute("ALTER TABLE products ADD COLUMN size bigint NOT NULL")'
SIZE = "    description: Mapped[str | None]\n    size: Mapped[int]\n"


@pytest.mark.heavy
def test_a_second_head_is_noticed(workshop: Path, installed: Path, server: str) -> None:
    write(workshop, "r2", FIRST, "pass")
    write(workshop, "other", FIRST, "pass")

    result = run_tests(workshop, installed, server, "tests/unit/test_migrations.py")

    assert "FAILED tests/unit/test_migrations.py::test_there_is_one_head" in result.stdout


@pytest.mark.heavy
@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["one process", "two"])
def test_migrations_that_do_not_run_are_one_answer_for_the_whole_run(
    workshop: Path, installed: Path, server: str, arguments: tuple[str, ...]
) -> None:
    write(workshop, "r2", FIRST, 'op.execute("ALTER TABLE product ADD COLUMN size bigint")')

    result = run_tests(workshop, installed, server, "tests/integration", *arguments)

    (said,) = [line for line in result.stdout.splitlines() if "do not run" in line]
    assert '(migrations/versions/r2.py, line 9): relation "product" does not exist' in said
    assert result.returncode != 0
    # One of two may have run tests without a database until it hears of it.
    assert not re.search("failed|error", result.stdout.splitlines()[-1])


@pytest.mark.heavy
def test_a_revision_that_suits_an_empty_database_only_is_noticed(
    workshop: Path, installed: Path, server: str
) -> None:
    models = workshop / "app/features/products/models.py"
    source = models.read_text(encoding="utf-8")
    models.write_text(source.replace("    description: Mapped[str | None]\n", SIZE))
    down = 'op.drop_column("products", "size")'
    write(workshop, "r2", FIRST, ADD_SIZE, down)

    result = run_tests(workshop, installed, server, "tests/integration/test_migrations.py")

    reds = [line for line in result.stdout.splitlines() if line.startswith("FAILED")]
    (red,) = reds
    assert "test_every_revision_goes_up_down_and_up[in use]" in red


@pytest.mark.heavy
def test_two_hundred_revisions_are_run_once_and_anew_when_one_changes(
    workshop: Path, installed: Path, server: str, live: Live
) -> None:
    def smoke() -> set[tuple[str, ...]]:
        arguments = ("-n", "2", "-m", "smoke and integration or unit")
        result = run_tests(workshop, installed, server, *arguments)
        assert result.returncode == 0, result.stdout
        return {tuple(row) for row in live.query(TEMPLATES)}

    write_many(workshop)
    others = {tuple(row) for row in live.query(TEMPLATES)}
    first = smoke()
    assert len(first - others) == 1
    assert smoke() == first

    write(workshop, "r200", "r199", "pass  # changed")
    second = smoke()
    assert len(second - first) == 1
    assert smoke() == second


def write_many(project: Path) -> None:
    """Bring the project to 200 revisions and 100 tables."""
    before = FIRST
    for number in range(2, 201):
        up = f'op.execute("CREATE TABLE t{number} (id bigint CONSTRAINT pk_t{number} PRIMARY KEY)")'
        down = f'op.drop_table("t{number}")'
        write(project, f"r{number}", before, *((up, down) if number <= 100 else ("pass", "pass")))
        before = f"r{number}"
