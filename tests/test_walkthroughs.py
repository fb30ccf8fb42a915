"""The README of a baked project is followed word for word, and so are the commands of its guide."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.answers import ANSWERS
from tests.walkthroughs import FENCE, Step, follow, steps
from tools.bake import bake

pytestmark = pytest.mark.heavy

Follow = Callable[..., str]


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    """A project as its user gets it."""
    return bake(template, tmp_path, ANSWERS["defaults"])


@pytest.fixture
def walk(project: Path, machine: dict[str, str]) -> Follow:
    """Follow a section of the README in the project, and return what was said."""
    readme = (project / "README.md").read_text(encoding="utf-8")

    def walk(title: str, **variables: str) -> str:
        return follow(steps(readme, title), project, machine | variables)

    return walk


def test_run_it(walk: Follow) -> None:
    said = walk("Run it")

    assert '"name":"product 3"' in said  # curl
    assert re.search(r"^ product 3$", said, re.MULTILINE)  # psql
    assert ">>> 3\n" in said  # the prompt


def test_test_it(walk: Follow) -> None:
    said = walk("Test it")

    assert len(re.findall(r"=+ \d+ passed(?:, \d+ deselected)? in", said)) == 6
    covered = re.findall(
        r"Required test coverage of 90.0% reached. Total coverage: ([\d.]+)%", said
    )
    assert len(covered) == 2
    assert min(float(percent) for percent in covered) >= 95, "as baked, little is left to see"


def test_add_a_feature(walk: Follow, project: Path) -> None:
    said = walk("Add a feature")

    assert re.search(r"=+ \d+ passed in", said)
    assert list(project.glob("migrations/versions/*_create_orders.py"))


def test_change_the_schema_with_rows_in_it(
    walk: Follow, project: Path, machine: dict[str, str]
) -> None:
    subprocess.run(["make", "seed"], cwd=project, env=machine, check=True)

    said = walk("Change the schema")

    assert re.search(r"=+ \d+ passed in", said)
    look = ["make", "psql", "args=-Atc 'SELECT name, colour FROM products ORDER BY name'"]
    rows = subprocess.run(look, cwd=project, env=machine, check=True, capture_output=True).stdout
    assert rows == b"product 1|white\nproduct 2|white\nproduct 3|white\n"


def test_deploy_it(walk: Follow, server: str, project: Path, machine: dict[str, str]) -> None:
    subprocess.run(["make", "lint"], cwd=project, env=machine, check=True)

    said = walk("Deploy it", DATABASE_URL=server)

    assert re.search(r"=+ 3 passed, \d+ deselected in", said), "the smoke tests, alone"


def test_the_commands_of_the_guide_do_what_it_says(project: Path, machine: dict[str, str]) -> None:
    guide = (project / "docs/testing.md").read_text(encoding="utf-8")
    commands = [Step(*found.groups()) for found in FENCE.finditer(guide)]

    said = follow(commands, project, machine)

    assert said.count(" passed") == len(
        [line for step in commands for line in step.text.splitlines()]
    )


def test_the_commands_of_agents_exist(project: Path) -> None:
    asked = set(re.findall(r"`make ([\w-]+)", (project / "AGENTS.md").read_text(encoding="utf-8")))
    makefile = (project / "Makefile").read_text(encoding="utf-8")

    assert asked
    assert asked <= set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
