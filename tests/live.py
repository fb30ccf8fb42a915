"""A live system to migrate: several releases of a project, served and loaded on one database."""

import json
import os
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.served import TIMEOUT, ask, new_database, serving, wait_until

HOLD = """
import asyncio, asyncpg, sys
async def hold(url, sql):
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute(f"BEGIN; {sql}")
    print("held", flush=True)
    await asyncio.to_thread(sys.stdin.read)
asyncio.run(hold(*sys.argv[1:]))
"""

LOAD = """
import asyncio, itertools, json, sys, time
from pathlib import Path
import httpx
rate, body, rotation = int(sys.argv[1]), json.loads(sys.argv[2]), Path(sys.argv[3])
seen, names, known, turns = [], itertools.count(), [], itertools.count()

async def one(client, kind):
    ports = rotation.read_text().split()
    base = f"http://127.0.0.1:{ports[next(turns) % len(ports)]}/products"
    started = time.perf_counter()
    if kind == "post":
        response = await client.post(base, json={"name": f"product {next(names)}"} | body)
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


class Answer(NamedTuple):
    status: int
    seconds: float
    text: str


class Live:
    """One database; several releases of the project may work on it."""

    def __init__(self, installed: Path, url: str) -> None:
        self.url = url
        self._installed = installed
        self._programs = installed / ".venv/bin"

    @classmethod
    @contextmanager
    def on(cls, installed: Path, server: str) -> Generator[Self]:
        """Own a database on the server for as long as the block runs."""
        with new_database(installed, server) as url:
            yield cls(installed, url)

    def query(self, sql: str) -> list[list[Any]]:
        return ask(self._installed, self.url, sql)

    def alembic(self, project: Path, *arguments: str) -> subprocess.Popen[str]:
        return self._start(project, self._programs / "alembic", *arguments)

    def upgrade(self, project: Path, revision: str = "head") -> str:
        """Migrate, or fail; return what was said."""
        process = self.alembic(project, "upgrade", revision)
        said, _ = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0, said
        return said

    def _start(self, cwd: Path, *command: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env={"PATH": os.defpath, "DATABASE_URL": self.url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @contextmanager
    def holding(self, sql: str) -> Generator[None]:
        """Keep a transaction open, which ran this, for as long as the block runs."""
        process = self._start(self._programs, self._programs / "python", "-c", HOLD, self.url, sql)
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            process.communicate()

    def wait_for(self, sql: str, what: str) -> None:
        """Wait until the query, a boolean, is true."""
        wait_until(lambda: self.query(sql) == [[True]], what)

    @contextmanager
    def serving(self, project: Path) -> Generator[int]:
        """Serve this release; give its port once it is ready, and stop it gracefully."""
        log = project / "server.log"
        with serving(project, self._installed, log, self.url) as service:
            yield service.port
            assert service.stop(signal.SIGTERM) == 0

    @contextmanager
    def loaded(
        self, rotation: Path, rate: int, body: dict[str, Any] | None
    ) -> Generator[list[Answer]]:
        """Send requests to the ports in rotation; after the block, the list has what came back."""
        command = [self._programs / "python", "-c", LOAD, str(rate), json.dumps(body), rotation]
        process = self._start(self._programs, *command)
        seen: list[Answer] = []
        try:
            yield seen
        finally:
            said, _ = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0, said
        seen += [Answer(*answer) for answer in json.loads(said)]
