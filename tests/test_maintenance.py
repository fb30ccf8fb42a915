"""What a maintainer does: change a line of the template, and see it in a project that is checked."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Run


@pytest.fixture
def clone(template: Path, tmp_path: Path) -> Path:
    """A repository of the template, as a maintainer has it."""
    clone = shutil.copytree(template, tmp_path / "clone")
    subprocess.run(["git", "init", "--quiet"], cwd=clone, check=True)
    return clone


@pytest.mark.heavy
def test_a_changed_line_is_seen_in_a_checked_project_by_one_command(clone: Path, run: Run) -> None:
    main = clone / "{{cookiecutter.project_slug}}/app/main.py"
    with main.open("a", encoding="utf-8") as file:
        file.write("\n\nCHANGED = True\n")

    result = run("make", "try", cwd=clone)

    assert result.returncode == 0, result.stdout + result.stderr
    assert (clone / "build/orders-api/app/main.py").read_text("utf-8").endswith("CHANGED = True\n")
    assert " passed in " in result.stdout


def test_a_bake_that_is_refused_leaves_the_last_one(clone: Path, run: Run) -> None:
    assert run("make", "bake", cwd=clone).returncode == 0

    result = run("make", "bake", "ANSWERS=project_slug=../x", cwd=clone)

    assert result.returncode == 2
    assert result.stderr.startswith("project_slug '../x' cannot be used")
    assert (clone / "build/orders-api").is_dir()
