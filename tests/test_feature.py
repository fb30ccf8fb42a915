"""`make feature` writes what a hand would have: green, clean, and beside everything that was there."""

from pathlib import Path

import pytest

from tests.answers import ANSWERS
from tests.conftest import Run
from tools.bake import bake
from tools.feature_template import BLANKS, SOURCES, derive

NAMES = [
    ("orders", ""),
    ("order_lines", ""),
    ("people", ""),
    ("status", "status"),
    ("x" * 40, "y" * 40),
]


def files(project: Path) -> dict[Path, bytes]:
    """Each file of the project that git would track."""
    ignored = {".venv", ".cache", ".data", ".pytest_cache", ".ruff_cache", "htmlcov", "__pycache__"}
    return {
        path: path.read_bytes()
        for path in project.rglob("*")
        if path.is_file()
        and not ignored & set(path.parts)
        and path.name not in {".coverage", "uv.lock"}
    }


@pytest.mark.parametrize("name", SOURCES)
def test_the_blanks_are_those_of_the_example(name: str, source: Path) -> None:
    example = (source / SOURCES[name]).read_text(encoding="utf-8")

    kept = (BLANKS / f"{name}.txt").read_text(encoding="utf-8")

    assert kept == derive(example), "run: make feature-blanks"


def test_what_the_example_proves_of_the_service_is_left_out() -> None:
    source = "def test_product() -> None: ...\n\n\n# make feature leaves out what follows.\nx = 1\n"

    assert derive(source) == "def test_$thing() -> None: ...\n"


@pytest.mark.heavy
def test_features_are_green_and_change_nothing_that_was_there(
    template: Path, tmp_path: Path, run: Run
) -> None:
    project = bake(template, tmp_path, ANSWERS["defaults"])
    before = files(project)

    for plural, singular in NAMES:
        made = run("make", "feature", f"name={plural}", f"singular={singular}", cwd=project)
        assert made.returncode == 0, made.stderr
    assert before.items() <= files(project).items()

    run("make", "migrate", cwd=project)
    migrated = run("make", "migration", "m=create five features", cwd=project)
    assert migrated.returncode == 0, migrated.stderr
    checked = run("make", "check", cwd=project)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", ["products", "Orders", "class", "../orders", "shoes"])
def test_a_refused_feature_leaves_nothing(name: str, installed: Path, run: Run) -> None:
    before = files(installed)

    refused = run("make", "feature", f"name={name}", cwd=installed)

    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 2, refused.stderr  # the reason, and make's own line
    assert files(installed) == before
