"""The service of a baked project to shoot at: in a process and on a database of its own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

TIMEOUT = 30.0
"""Seconds for what takes one or two."""

ASK = """
import asyncio, asyncpg, json, sys
async def ask(url, *queries):
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    rows = [[list(row) for row in await connection.fetch(query)] for query in queries]
    await connection.close()
    print(json.dumps(rows[-1], default=str))
asyncio.run(ask(*sys.argv[1:]))
"""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content


def ask(installed: Path, url: str, *queries: str) -> list[list[Any]]:
    """Run the queries as the database's superuser, and return the rows of the last."""
    command = [installed / ".venv/bin/python", "-c", ASK, url, *queries]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
    rows: list[list[Any]] = json.loads(result.stdout)
    return rows


@contextmanager
def new_database(installed: Path, server: str) -> Generator[str]:
    """Own an empty database for as long as the block runs; give its URL."""
    name = f"live_{uuid4().hex[:12]}"
    url = server.replace("/postgres?", f"/{name}?")
    assert url != server
    ask(installed, server, f"CREATE DATABASE {name}")
    yield url
    ask(installed, server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(installed: Path, server: str) -> Generator[str]:
    """URL of a migrated database for one test."""
    with new_database(installed, server) as url:
        subprocess.run(
            [installed / ".venv/bin/alembic", "upgrade", "head"],
            cwd=installed,
            env={"PATH": os.defpath, "DATABASE_URL": url},
            capture_output=True,
            check=True,
        )
        yield url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Service:
    """A running service."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
        self.port = port
        self.process = process
        self._log = log

    def connect(self, timeout: float = 30) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def get(self, path: str) -> Answer:
        """Ask on a connection of its own."""
        with closing(self.connect()) as connection:
            return send(connection, "GET", path)

    def answers(self, path: str) -> bool:
        """Tell whether the answer is 200; there is none yet while nobody listens."""
        assert self.process.poll() is None, self._log.read_text(encoding="utf-8")
        try:
            return self.get(path).status == 200
        except OSError:
            return False

    def log(self) -> list[dict[str, Any]]:
        """What it has said so far; each line is one JSON object."""
        lines = self._log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


def send(
    connection: http.client.HTTPConnection, method: str, path: str, body: object = None
) -> Answer:
    encoded = None if body is None else json.dumps(body)
    headers = {} if body is None else {"Content-Type": "application/json"}
    connection.request(method, path, body=encoded, headers=headers)
    response = connection.getresponse()
    names = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, names, response.read())


@contextmanager
def serving(
    project: Path,
    installed: Path,
    log: Path,
    url: str,
    *,
    until: str = "/readyz",
    **settings: str,
) -> Generator[Service]:
    """Serve the project with production's settings; the block begins when ``until`` answers."""
    port = free_port()
    environment = {
        "PATH": os.defpath,
        "ENVIRONMENT": "production",
        "ALLOWED_HOSTS": "127.0.0.1",
        "PORT": str(port),
        "DATABASE_URL": url,
        **settings,
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [installed / ".venv/bin/python", "-m", "app"],
            cwd=project,
            env=environment,
            stdout=out,
            stderr=out,
        )
    service = Service(port, process, log)
    try:
        wait_until(lambda: service.answers(until), f"the service to answer {until}: {log}")
        yield service
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def wait_until(is_true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not is_true():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {TIMEOUT:g} s for {what}")
        time.sleep(0.02)
