"""A baked project on a database of its own, served, loaded and migrated as in production."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self
from uuid import uuid4

CONNECT = """
import asyncio, asyncpg, json, os, sys
async def connect():
    return await asyncpg.connect(os.environ["DATABASE_URL"].replace("+asyncpg", ""))
"""

QUERY = f"""{CONNECT}
async def main():
    rows = await (await connect()).fetch(sys.argv[1])
    print(json.dumps([[str(value) for value in row] for row in rows]))
asyncio.run(main())
"""

HOLD = f"""{CONNECT}
async def main():
    connection = await connect()
    await connection.execute(f"BEGIN; {{sys.argv[1]}}")
    print("held", flush=True)
    await asyncio.to_thread(sys.stdin.read)
asyncio.run(main())
"""

LOAD = """
import asyncio, itertools, json, sys, time
from pathlib import Path
import httpx
rate, body, rotation = int(sys.argv[1]), json.loads(sys.argv[2]), Path(sys.argv[3])
seen, names, known, turns = [], itertools.count(), [], itertools.count()

async def one(client, kind):
    ports = rotation.read_text().split()
    base = f"http://127.0.0.1:{ports[next(turns) % len(ports)]}/items"
    started = time.perf_counter()
    if kind == "post":
        response = await client.post(base, json={"name": f"item {next(names)}"} | body)
        if response.is_success:
            known.append(response.json()["id"])
    elif kind == "patch" and known:
        response = await client.patch(f"{base}/{known[-1]}", json={"description": "changed"})
    elif kind == "get" and known:
        response = await client.get(f"{base}/{known[-1]}")
    else:
        response = await client.get(base, params={"limit": 5})
    seen.append([response.status_code, time.perf_counter() - started, response.text[:300]])

async def main():
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    kinds = itertools.cycle(["list"] if body is None else ["post", "list", "get", "patch"])
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client, asyncio.TaskGroup() as group:
        begun = time.perf_counter()
        for number in itertools.count():
            await asyncio.sleep(begun + number / rate - time.perf_counter())
            if ended.done():
                break
            group.create_task(one(client, next(kinds)))
    print(json.dumps(seen))
asyncio.run(main())
"""

SERVED = {"ENVIRONMENT": "production", "ALLOWED_HOSTS": "*", "DATABASE_POOL_TIMEOUT": "10"}
"""A busy machine makes requests wait for each other, which would be answered 503; no migration does."""

TIMEOUT = 30.0
"""Seconds for what takes one or two."""


class Answer(NamedTuple):
    status: int
    seconds: float
    text: str


class Live:
    """One database; several releases of the project may work on it."""

    def __init__(self, installed: Path, url: str) -> None:
        self.programs = installed / ".venv/bin"
        self.environment = {"PATH": os.defpath, "DATABASE_URL": url}

    @classmethod
    @contextmanager
    def on(cls, installed: Path, server: str) -> Generator[Self]:
        """Own a database on the server for as long as the block runs."""
        name = f"live_{uuid4().hex[:12]}"
        url = server.replace("/postgres?", f"/{name}?")
        assert url != server
        admin = cls(installed, server)
        admin.query(f"CREATE DATABASE {name}")
        yield cls(installed, url)
        admin.query(f"DROP DATABASE {name} WITH (FORCE)")

    def query(self, sql: str) -> list[list[str]]:
        """Run a statement; values come as text."""
        command = [self.programs / "python", "-c", QUERY, sql]
        said = subprocess.run(command, env=self.environment, check=True, stdout=subprocess.PIPE)
        rows: list[list[str]] = json.loads(said.stdout)
        return rows

    def alembic(self, project: Path, *arguments: str) -> subprocess.Popen[str]:
        return self._start(project, self.programs / "alembic", *arguments)

    def upgrade(self, project: Path, revision: str = "head") -> str:
        """Migrate, or fail; return what was said."""
        process = self.alembic(project, "upgrade", revision)
        said, _ = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0, said
        return said

    def _start(self, cwd: Path, *command: str | Path, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=self.environment | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @contextmanager
    def holding(self, sql: str) -> Generator[None]:
        """Keep a transaction open, which ran this, for as long as the block runs."""
        process = self._start(self.programs, self.programs / "python", "-c", HOLD, sql)
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            process.communicate()

    def wait_for(self, sql: str, what: str) -> None:
        """Wait until the query, a boolean, is true."""
        wait_until(lambda: self.query(sql) == [["True"]], what)

    @contextmanager
    def serving(self, project: Path) -> Generator[str]:
        """Serve this release; give its port once it is ready, and stop it gracefully."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        log = (project / "server.log").open("w")
        process = subprocess.Popen(
            [self.programs / "python", "-m", "app"],
            cwd=project,
            env=self.environment | SERVED | {"PORT": port},
            stdout=log,
            stderr=log,
        )
        try:
            wait_until(lambda: status(port, "/readyz") == 200, f"{project} to be ready")
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(TIMEOUT)
            log.close()

    @contextmanager
    def loaded(
        self, rotation: Path, rate: int, body: dict[str, Any] | None
    ) -> Generator[list[Answer]]:
        """Send requests to the ports in rotation; after the block, the list has what came back."""
        command = [self.programs / "python", "-c", LOAD, str(rate), json.dumps(body), rotation]
        process = self._start(self.programs, *command)
        seen: list[Answer] = []
        try:
            yield seen
        finally:
            said, _ = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0, said
        seen += [Answer(*answer) for answer in json.loads(said)]


def status(port: str, path: str) -> int:
    """Return the status of a response; 0 if there is none."""
    with socket.socket() as connection:
        if connection.connect_ex(("127.0.0.1", int(port))) != 0:
            return 0
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        return int(connection.recv(100).split()[1])


def wait_until(is_true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not is_true():
        assert time.monotonic() < deadline, f"waited {TIMEOUT} s for {what}"
        time.sleep(0.05)
