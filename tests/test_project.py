"""What a baked project does for its developer, on a machine that has nothing else."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import psutil
import pytest

from template_filters import refusal
from tests.answers import ANSWERS
from tests.conftest import Result, Run
from tools.bake import bake

ORDERS = (
    "app/features/orders",
    "tests/factories/orders.py",
    "tests/*/test_orders*.py",
    "migrations/versions/*_create_orders.py",
)
"""All that the README removes with `rm -r` to keep products alone."""

EXAMPLES = tuple(pattern.replace("orders", "{products,orders}") for pattern in ORDERS)
"""All that it removes to start without any example; the braces are the shell's."""


@pytest.fixture
def make(run: Run) -> Run:
    """Run targets of a project's Makefile; they must succeed."""

    def make(*targets: str, cwd: Path, **variables: str) -> Result:
        result = run("make", *targets, cwd=cwd, **variables)
        if result.returncode != 0:
            pytest.fail(f"make {' '.join(targets)}\n{result.stdout}{result.stderr}", pytrace=False)
        return result

    return make


def assert_green(result: Result) -> None:
    closing_line = result.stdout.splitlines()[-1]
    assert re.fullmatch(r"=+ \d+ passed in .* =+", closing_line), result.stdout


@pytest.mark.parametrize(
    "name",
    [
        "defaults",
        *(pytest.param(name, marks=pytest.mark.heavy) for name in ANSWERS if name != "defaults"),
    ],
)
def test_a_fresh_project_is_green_and_leaves_nothing_outside(
    name: str, template: Path, tmp_path: Path, home: Path, temporary: Path, make: Run
) -> None:
    project = bake(template, tmp_path / "a pläce with spaces", ANSWERS[name])

    assert_green(make("check", cwd=project))

    running = [process.info for process in psutil.process_iter(["cmdline", "cwd"])]
    assert not [process for process in running if str(project) in str(process)]
    assert not [*home.iterdir(), *temporary.iterdir()]


@pytest.mark.parametrize("examples", [ORDERS, EXAMPLES], ids=["orders", "both"])
def test_a_project_without_examples_is_green(
    examples: tuple[str, ...], template: Path, tmp_path: Path, make: Run
) -> None:
    project = bake(template, tmp_path, ANSWERS["defaults"])
    remove(project, examples)

    assert_green(make("check", cwd=project))
    left = [path for path in project.rglob("*orders*") if ".venv" not in path.parts]
    assert [path for path in left if path.is_file() and path.suffix == ".py"] == []


@pytest.mark.heavy
@pytest.mark.parametrize("examples", [ORDERS, EXAMPLES], ids=["orders", "both"])
def test_examples_that_a_revision_follows_are_dropped_by_another(
    examples: tuple[str, ...], template: Path, tmp_path: Path, make: Run
) -> None:
    project = bake(template, tmp_path, ANSWERS["defaults"])
    make("feature", "name=invoices", cwd=project)
    make("migrate", cwd=project)
    remove(project, examples[:-1])  # all but the revisions

    make("migrate", cwd=project)
    make("migration", "m=drop the examples", cwd=project)
    (revision,) = project.glob("migrations/versions/*_drop_the_examples.py")
    text = revision.read_text(encoding="utf-8")
    revision.write_text(text.replace("depends_on:", f"{UNSAFE}\ndepends_on:"), encoding="utf-8")

    assert_green(make("check", cwd=project))


UNSAFE = """reason = "No release that still runs uses them."
unsafe = {"ban-drop-table": reason, "require-concurrent-index-deletion": reason}"""
"""What the README says to write into the revision that drops the tables."""


def remove(project: Path, patterns: tuple[str, ...]) -> None:
    """Run the command of the README: each pattern has to match something."""
    command = f"rm -r {' '.join(patterns)}"
    assert command in (project / "README.md").read_text(encoding="utf-8")
    subprocess.run(["bash", "-c", command], cwd=project, check=True)


def test_the_second_run_needs_no_network(installed: Path, make: Run) -> None:
    assert_green(make("test", cwd=installed, UV_OFFLINE="1", PIP_NO_INDEX="1"))


def test_the_migrations_make_the_schema_of_the_models(installed: Path, make: Run, run: Run) -> None:
    make("migrate", cwd=installed)

    programs = installed / ".venv/bin"
    check = (programs / "python", "-m", "devkit.postgres", programs / "alembic", "check")
    result = run(*check, cwd=installed)

    assert result.returncode == 0, result.stdout + result.stderr


def test_make_alone_lists_the_targets(installed: Path, make: Run) -> None:
    assert re.search(r"^  test +\w", make(cwd=installed).stdout, re.MULTILINE)


def test_no_package_of_the_project_can_be_its_slug(installed: Path) -> None:
    """Uv cannot resolve a project that has the name of a dependency, also of an indirect one."""
    lock = tomllib.loads((installed / "uv.lock").read_text(encoding="utf-8"))
    packages = {package["name"] for package in lock["package"]} - {installed.name}

    assert [name for name in sorted(packages) if not refusal({"project_slug": name})] == []


def test_the_template_is_clean_where_it_stands(installed: Path, source: Path) -> None:
    for check in (
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["ty", "check", "--python", installed / ".venv"],
    ):
        result = subprocess.run(
            [sys.executable, "-m", *check], cwd=source, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
