"""The targets for every day: a prompt, a database prompt, example rows, the API's document."""

import fcntl
import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.conftest import Result, Run
from tests.workshop import run_tests


@pytest.fixture
def make(installed: Path, run: Run) -> Run:
    """Run targets in the installed project; they must succeed."""

    def make(*targets: str, typed: str = "") -> Result:
        result = run("make", *targets, cwd=installed, typed=typed)
        assert result.returncode == 0, result.stdout + result.stderr
        return result

    return make


def test_example_rows_are_seeded_once_and_seen_in_both_prompts(make: Run) -> None:
    make("seed")
    assert make("seed").stdout == "products: there are example rows\n"

    seen = make("psql", "args=-Atc 'SELECT count(*) FROM products'")
    assert seen.stdout.strip() == "3"
    typed = (
        "await session.scalar(select(func.count()).select_from(Product))\n1 / 0\n'still ' 'here'\n"
    )
    prompt = make("shell", typed=typed)
    assert re.findall(r"^(?:>>> )+(.+)$", prompt.stdout, re.MULTILINE) == ["3", "'still here'"]
    assert "ZeroDivisionError" in prompt.stderr


def test_what_was_not_committed_in_the_prompt_is_gone(make: Run) -> None:
    make("migrate")
    add = "session.add(Product(name='{}')); await session.flush()\n"

    make("shell", typed=add.format("lost"))
    make("shell", typed=add.format("kept") + "await session.commit()\n")

    names = make("psql", "args=-Atc 'SELECT name FROM products'").stdout.split("\n")
    assert "kept" in names
    assert "lost" not in names
    make(
        "shell",
        typed="await session.execute(text('DELETE FROM products'))\nawait session.commit()\n",
    )


def test_example_rows_are_refused_in_production(installed: Path, run: Run) -> None:
    refused = run("make", "seed", cwd=installed, ENVIRONMENT="production")

    assert refused.returncode == 2
    assert "example rows are for development" in refused.stderr


def test_data_that_somebody_uses_is_not_removed(workshop: Path, run: Run) -> None:
    data = workshop / ".data/dev"
    data.mkdir(parents=True)

    with (data / "users.lock").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        refused = run("make", "--silent", "reset", cwd=workshop)
        assert data.exists()
    assert run("make", "reset", cwd=workshop).returncode == 0

    assert refused.returncode == 2
    assert refused.stderr.startswith(
        "`make run`, or a prompt, uses this database: stop it first.\n"
    )
    assert not data.exists()
    assert run("make", "reset", cwd=workshop).returncode == 0


def test_a_port_that_is_taken_is_named(installed: Path, run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run(
            *(installed / ".venv/bin/python", "-m", "app", "--reload"),
            cwd=installed,
            DATABASE_URL="postgresql://nobody@127.0.0.1/nothing",
            PORT=str(port),
        )

    assert result.returncode == 1
    assert result.stderr == (
        f"Cannot listen on 127.0.0.1:{port}: Address already in use."
        f" Stop the other process, or set another port: PORT={port + 1} make run\n"
    )


def test_the_openapi_document_is_written(make: Run, installed: Path) -> None:
    make("openapi")

    written = installed / "openapi.json"
    assert "/products/{product_id}" in json.loads(written.read_text(encoding="utf-8"))["paths"]
    written.unlink()


def test_some_tests_are_chosen_by_a_word(make: Run) -> None:
    result = make("test-unit", "k=cursor and not made_up", "args=-q -p no:randomly")

    assert re.search(r"^[1-9]\d* passed, \d+ deselected", result.stdout, re.MULTILINE)


def test_what_failed_last_comes_first(workshop: Path, installed: Path, server: str) -> None:
    last = workshop / "tests/unit/test_zz_last.py"
    last.write_text("def test_it() -> None:\n    assert False\n", encoding="utf-8")
    run_tests(workshop, installed, server, "-m", "unit")

    again = run_tests(workshop, installed, server, "-m", "unit", "-x", seed=1)

    assert re.search(r"= 1 failed, ", again.stdout), again.stdout


def test_a_saved_file_runs_the_tests_again(installed: Path, machine: dict[str, str]) -> None:
    seen = Event()
    watch = ["make", "test-watch", "k=test_a_cursor_survives", "args=-q -p no:randomly"]
    with subprocess.Popen(
        watch, cwd=installed, env=machine, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as watching:
        assert watching.stdout is not None
        try:
            runs = (line for line in watching.stdout if " passed" in line)
            next(runs)
            saving = Thread(target=save, args=(installed / "tests/conftest.py", seen))
            saving.start()
            assert "1 passed" in next(runs)
        finally:
            seen.set()
            os.killpg(watching.pid, signal.SIGKILL)  # it may hang when it is interrupted in a start


def save(file: Path, seen: Event) -> None:
    """Save a file until that was seen: watchfiles tells nobody when it begins to watch."""
    while not seen.wait(5):  # longer than a run, which it would interrupt
        file.touch()


def test_an_editor_finds_the_tests_and_runs_one_by_a_click(installed: Path, run: Run) -> None:
    settings = json.loads((installed / ".vscode/settings.json").read_text(encoding="utf-8"))
    python = settings["python.defaultInterpreterPath"]
    pytest_of = [python.replace("${workspaceFolder}", str(installed)), "-m", "pytest"]
    one = "tests/unit/test_pagination.py::test_a_cursor_survives_the_way_to_the_client_and_back"

    found = run(*pytest_of, *settings["python.testing.pytestArgs"], "--co", "-q", cwd=installed)
    clicked = run(*pytest_of, f"--rootdir={installed}", one, cwd=installed)

    assert one in found.stdout
    assert " 1 passed in" in clicked.stdout


def test_a_devcontainer_is_made_by_a_target_that_exists(installed: Path, make: Run) -> None:
    container = json.loads(
        (installed / ".devcontainer/devcontainer.json").read_text(encoding="utf-8")
    )

    command, target = container["postCreateCommand"].split()

    assert command == "make"
    make(target)
