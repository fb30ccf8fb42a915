"""What a developer sees of a failing test, and at a breakpoint."""

import os
import pty
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workshop import run_tests

FAILING = """
async def test_it(client):
    await client.post("/products", json={"name": "a lamp"})
    await client.get("/livez")
    assert False
"""

STREAMING = """
from httpx import AsyncClient, MockTransport, Response

async def endless():
    yield b"first"
    raise RuntimeError("the second one was waited for")

async def test_it(exchanges):
    transport = MockTransport(lambda request: Response(200, content=endless()))
    hooks = {"response": [exchanges.keep]}
    async with AsyncClient(transport=transport, base_url="http://test", event_hooks=hooks) as client:
        async with client.stream("GET", "/") as response:
            assert await anext(response.aiter_raw()) == b"first"
    assert False
"""

ODD = r"""
import sys
import structlog
from app.core.observability.logging import configure
from app.settings import Settings

def test_it():
    configure(Settings(_env_file=None, log_format="json"))
    print('{"event": "printed", "id": 1}', file=sys.stderr)
    print('{"event": "printed", "level": 3, "timestamp": null}', file=sys.stderr)
    structlog.get_logger("shop").info("restarted", stack=["blue", "green"])
    try:
        raise RuntimeError("first\nlost\x1b[2J")
    except RuntimeError:
        structlog.get_logger("shop").exception("failed")
    assert False

def test_innocent(): ...
"""

STANDING = """
from sqlalchemy import text

async def test_it(session):
    breakpoint()
    assert await session.scalar(text("SELECT 41 + 1")) == 42
"""


Fail = Callable[[str, str], str]


@pytest.fixture
def fail(workshop: Path, installed: Path, server: str) -> Fail:
    """Run tests of one layer, of which one fails; give what is shown."""

    def run(layer: str, source: str) -> str:
        file = f"tests/{layer}/test_it.py"
        (workshop / file).write_text(source, encoding="utf-8")
        return run_tests(workshop, installed, server, file).stdout

    return run


def test_a_failure_shows_sql_and_bodies_and_each_log_line_once(fail: Fail) -> None:
    shown = fail("integration", FAILING)

    assert "INSERT INTO products" in shown
    assert "POST http://test/products -> 201 Created" in shown
    assert '"name":"a lamp"' in shown
    assert "GET http://test/livez -> 200 OK" in shown
    assert shown.count("path=/livez") == 1
    assert "Captured log" not in shown


def test_an_end_to_end_failure_shows_what_the_server_said(fail: Fail) -> None:
    shown = fail("e2e", FAILING.replace("client", "live_client"))

    assert "POST http://127.0.0.1" in shown
    assert "path=/livez" in shown


def test_a_stream_is_not_read_for_the_sake_of_showing_it(fail: Fail) -> None:
    shown = fail("unit", STREAMING)

    assert "GET http://test/ -> 200 OK\n(a stream: it was not read as a whole)" in shown
    assert "1 failed" in shown


def test_whatever_is_printed_or_logged_a_failure_is_shown(fail: Fail) -> None:
    shown = fail("unit", ODD)

    assert "1 failed, 1 passed" in shown
    assert '{"event": "printed", "id": 1}' in shown
    assert '"stack": ["blue", "green"]' in shown
    assert "    lost\\x1b[2J" in shown
    assert "\x1b[2J" not in shown


def test_a_traceback_of_the_server_can_be_read(
    workshop: Path, installed: Path, server: str
) -> None:
    service = workshop / "app/features/products/service.py"
    source = service.read_text(encoding="utf-8")
    service.write_text(
        source.replace("    session.add(product)\n", "    raise KeyError('inside')\n")
    )

    shown = run_tests(workshop, installed, server, "tests/e2e/test_products.py").stdout

    assert "    KeyError: 'inside'" in shown.splitlines()
    assert '\\n  File "' not in shown


def test_a_forgotten_migration_is_asked_for(workshop: Path, installed: Path, server: str) -> None:
    models = workshop / "app/features/products/models.py"
    column = "    description: Mapped[str | None]\n"
    source = models.read_text(encoding="utf-8")
    models.write_text(source.replace(column, column + "    colour: Mapped[str | None]\n"))

    products = run_tests(workshop, installed, server, "-k", "test_products")
    agree = run_tests(workshop, installed, server, "-k", "models_and_migrations_agree")

    ask = 'run `make migrate`, then `make migration m="what it does"`.'
    assert products.stdout.count(ask) == 1
    assert "add_column" in agree.stdout
    assert ask in agree.stdout
    assert len(agree.stdout.splitlines()) < 30


def test_a_factory_may_use_any_other(workshop: Path, installed: Path, server: str) -> None:
    """Whichever of them pytest loads first: that is the order of the disk."""
    for number in range(6):
        use = f"import tests.factories.chain{number + 1}\n" if number < 5 else ""
        (workshop / f"tests/factories/chain{number}.py").write_text(use, encoding="utf-8")

    result = run_tests(workshop, installed, server, "tests/unit/test_health.py")

    assert result.returncode == 0, result.stdout + result.stderr


def read_until(terminal: int, said: str, seconds: float) -> str:
    """Read what the terminal shows until it has said this."""
    shown, deadline = "", time.monotonic() + seconds
    while said not in shown and time.monotonic() < deadline:
        try:
            shown += os.read(terminal, 4096).decode(errors="replace")
        except OSError:  # the other end is closed
            break
    assert said in shown, shown
    return shown


@pytest.mark.parametrize("kind", ["async", "not async"])
def test_a_breakpoint_outlasts_every_limit(
    kind: str, workshop: Path, installed: Path, server: str
) -> None:
    source = STANDING if kind == "async" else "def test_it():\n    breakpoint()\n    assert True\n"
    (workshop / "tests/integration/test_it.py").write_text(source, encoding="utf-8")
    ours, theirs = pty.openpty()
    run = [installed / ".venv/bin/python", "-m", "pytest", "-o", "timeout=1"]
    with subprocess.Popen(
        [*run, "tests/integration/test_it.py"],
        cwd=workshop,
        env={"PATH": os.defpath, "TERM": "dumb", "TEST_DATABASE_URL": server},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        try:
            read_until(ours, "(Pdb)", 30)
            time.sleep(5)  # longer than the limit of 1 s and the grace period
            os.write(ours, b"continue\n")
            read_until(ours, "1 passed", 30)
        finally:
            process.kill()
            os.close(ours)
