"""The oldest and the newest that a baked project allows: Pythons, and versions of its dependencies."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import Run
from tools.bake import ROOT

MINORS = range(11, 16)


def find_python(minor: int) -> Path | None:
    """Find a Python of this version on PATH, or where pyenv and uv keep theirs."""
    name = f"python3.{minor}"
    places = (
        *(Path(folder, name) for folder in os.environ["PATH"].split(os.pathsep)),
        *Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/{name}"),
        *Path.home().glob(f".local/share/uv/python/cpython-3.{minor}.*/bin/{name}"),
    )
    for place in filter(Path.exists, places):
        # A shim of pyenv is there for every version, and works for the chosen ones.
        if subprocess.run([place, "-c", ""], capture_output=True, check=False).returncode == 0:
            return place
    return None


PYTHONS = {f"3.{minor}": python for minor in MINORS if (python := find_python(minor))}
"""Those that are here; the matrix of the template's CI has a machine for each of the others."""

OLDEST = next(iter(PYTHONS))


def make_check(project: Path, run: Run, python: str, resolution: str) -> None:
    """Do what the nightly job of the generated CI does."""
    nightly = (project / ".github/workflows/nightly.yml").read_text(encoding="utf-8")
    steps = yaml.safe_load(nightly)["jobs"]["versions"]["steps"]
    (command,) = (step["run"] for step in steps if "run" in step)

    variables = {"UV_PYTHON": str(PYTHONS[python]), "UV_RESOLUTION": resolution}
    result = run("bash", "-eo", "pipefail", "-c", command, cwd=project, **variables)

    assert result.returncode == 0, result.stdout + result.stderr
    assert f"Python {python}." in result.stdout


@pytest.mark.heavy
@pytest.mark.parametrize("python", PYTHONS)
def test_the_newest_versions_are_green(python: str, committed: Path, run: Run) -> None:
    make_check(committed, run, python, "highest")


@pytest.mark.heavy
def test_the_oldest_versions_are_green(committed: Path, run: Run) -> None:
    make_check(committed, run, OLDEST, "lowest-direct")

    lock = tomllib.loads((committed / "uv.lock").read_text(encoding="utf-8"))
    installed = {package["name"]: package["version"] for package in lock["package"]}
    pyproject = (committed / "pyproject.toml").read_text(encoding="utf-8")
    floors = re.findall(r'^ +"([\w-]+)(?:\[[\w-]+\])?>=([\d.]+)', pyproject, re.MULTILINE)
    assert len(floors) > 15
    for name, floor in floors:
        assert installed[name].startswith(floor), f"{name} {installed[name]}, not {floor}"


def test_every_python_has_a_machine_in_ci(source: Path) -> None:
    every = [f"3.{minor}" for minor in MINORS]

    for workflow in (source / ".github/workflows/check.yml", ROOT / ".github/workflows/test.yml"):
        jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
        tested = [job["strategy"]["matrix"]["python"] for job in jobs.values() if "strategy" in job]
        assert every in tested, workflow.name
