import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.answers import ANSWERS
from tools.bake import bake, clean_copy

Result = subprocess.CompletedProcess[str]
Run = Callable[..., Result]
Baked = Callable[[str], Path]

pytest_plugins = ["tests.served", "tests.workshop"]

REACH_THE_INDEX = re.compile(r"(https?|no)_proxy|ssl_cert_(file|dir)|(pip|uv)_\w*index\w*", re.I)
"""The only variables of this machine that a clean environment keeps: how packages are reached."""


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as a fresh clone would hold it."""
    return clean_copy(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def source(template: Path) -> Path:
    """The project in the template, not baked."""
    return template / "{{cookiecutter.project_slug}}"


@pytest.fixture(scope="session")
def questions(template: Path) -> dict[str, Any]:
    """What cookiecutter.json holds."""
    return json.loads((template / "cookiecutter.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def baked(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Baked:
    """Bake a set of answers, once; no test changes the result."""
    projects: dict[str, Path] = {}

    def bake_once(name: str) -> Path:
        if name not in projects:
            projects[name] = bake(template, tmp_path_factory.mktemp(name), ANSWERS[name])
        return projects[name]

    return bake_once


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a machine that has Python, git, make, and a cache of packages."""
    programs = tmp_path_factory.mktemp("bin")  # nothing that lies beside the Python of these tests
    python = f"python3.{sys.version_info.minor}"
    (programs / "python3").symlink_to(Path(sys.base_prefix, "bin", python))
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return {
        **{name: value for name, value in os.environ.items() if REACH_THE_INDEX.fullmatch(name)},
        "HOME": str(tmp_path_factory.mktemp("home")),
        "LANG": "C.UTF-8",
        "PATH": f"{programs}:/usr/bin:/bin",
        "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(cache / "pip")),
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(cache / "uv")),
    }


@pytest.fixture(scope="session")
def installed(
    template: Path, machine: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The project of the default answers, installed; no test changes what git would track."""
    project = bake(template, tmp_path_factory.mktemp("a pläce with spaces"), ANSWERS["defaults"])
    subprocess.run(["make", "lint"], cwd=project, env=machine, check=True)
    return project


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home folder."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def temporary() -> Generator[Path]:
    """An empty folder for temporary files; open to all and with a short path, as /tmp is."""
    with TemporaryDirectory(dir="/tmp") as name:
        temporary = Path(name)
        temporary.chmod(0o1777)
        yield temporary


@pytest.fixture
def run(machine: dict[str, str], home: Path, temporary: Path) -> Run:
    """Run a command on that machine, with this home and this folder for temporary files."""

    def run(*command: str | Path, cwd: Path, typed: str = "", **variables: str) -> Result:
        return subprocess.run(
            command,
            cwd=cwd,
            env=machine | {"HOME": str(home), "TMPDIR": str(temporary)} | variables,
            input=typed,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    return run
