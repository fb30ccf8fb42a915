"""What a baked project does for whoever works in it, on a machine that has nothing else."""

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

EXAMPLE = (
    "app/features/products",
    "tests/factories/products.py",
    "tests/*/test_products*.py",
    "migrations/versions/*_create_products.py",
)
"""All that the README removes with `rm -r` to start without the example."""


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


def test_a_project_without_the_example_is_green(template: Path, tmp_path: Path, make: Run) -> None:
    project = bake(template, tmp_path, ANSWERS["defaults"])
    for pattern in EXAMPLE:
        paths = list(project.glob(pattern))
        assert paths, f"{pattern} is nowhere"
        subprocess.run(["rm", "-r", *paths], check=True)

    assert_green(make("check", cwd=project))


def test_the_readme_removes_the_example_that_the_test_removes(source: Path) -> None:
    readme = (source / "README.md").read_text(encoding="utf-8")

    assert f"rm -r {' '.join(EXAMPLE)}\n" in readme


def test_the_second_run_needs_no_network(installed: Path, make: Run) -> None:
    assert_green(make("test", cwd=installed, UV_OFFLINE="1", PIP_NO_INDEX="1"))


def test_the_migrations_make_the_schema_of_the_models(installed: Path, make: Run, run: Run) -> None:
    make("migrate", cwd=installed)

    programs = installed / ".venv/bin"
    check = (programs / "python", "-m", "tools.postgres", programs / "alembic", "check")
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
