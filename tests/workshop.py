"""A baked project to break, and its suite to run: the environment and the server are shared."""

import os
import shutil
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.live import Live

Make = Callable[..., subprocess.CompletedProcess[str]]

SERVE = """
import sys
from pathlib import Path
from tools.postgres import running, url
with running(Path(".data/test")) as socket_folder:
    print(url(socket_folder), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="session")
def server(installed: Path) -> Generator[str]:
    """A PostgreSQL for all the broken projects: one of its own would cost each half its time."""
    command = [installed / ".venv/bin/python", "-c", SERVE]
    with subprocess.Popen(
        command, cwd=installed, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate()


@pytest.fixture
def workshop(installed: Path, tmp_path: Path) -> Path:
    """A project to break; it runs in the environment of the one that it is a copy of."""
    leave = shutil.ignore_patterns(".venv", ".data", ".cache")
    return shutil.copytree(installed, tmp_path / "project", ignore=leave)


@pytest.fixture
def committed(workshop: Path) -> Path:
    """A project whose uv.lock is there, and which is not installed: a checkout of CI."""
    assert (workshop / "uv.lock").exists()
    return workshop


@pytest.fixture
def live(installed: Path, server: str) -> Generator[Live]:
    with Live.on(installed, server) as live:
        yield live


@pytest.fixture
def make(workshop: Path, installed: Path, live: Live, machine: dict[str, str]) -> Make:
    """Run a target of the Makefile in the workshop, on the database of its own."""
    for folder in (".venv", ".cache"):
        (workshop / folder).symlink_to(installed / folder)

    def make(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", "--silent", *arguments],
            cwd=workshop,
            env=machine | {"DATABASE_URL": live.url},
            capture_output=True,
            text=True,
            check=False,
        )

    return make


def run_tests(
    workshop: Path,
    installed: Path,
    server: str,
    *arguments: str,
    seed: int | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run the project's suite in the order of the files, or else in the order of a seed."""
    order = ["-p", "no:randomly"] if seed is None else [f"--randomly-seed={seed}"]
    return subprocess.run(
        [installed / ".venv/bin/python", "-m", "pytest", *order, *arguments],
        cwd=workshop,
        env={"PATH": os.defpath, "TEST_DATABASE_URL": server},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
