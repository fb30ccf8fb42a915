"""Writers keep a ledger of what the service told them, while its database is being killed."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import make_url

from tests.harness.databases import migrate
from tests.harness.durable import Durable
from tests.harness.load import Connection
from tests.harness.service import Service, running
from tools.postgres import url as socket_url

SECONDS = 30.0
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
WRITERS = 20
NOT_ANSWERED = 0
RESTARTS = (6.0, 14.0, 23.0)
KILL = 10.0
TERMINATE_EVERY = 0.2


@pytest.fixture
async def postgres_to_crash() -> AsyncGenerator[Durable]:
    with TemporaryDirectory(prefix="ledger-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        with Durable.running(Path(folder)) as server:
            yield server


ORDINARY = {
    "/ordinary/plain/{}": ["{}"],
    "/ordinary/authenticated/{}": ["{}"],
    "/ordinary/both/{}": ["{}"],
    "/ordinary/nested/{}": ["{}", "{} again"],
    "/ordinary/twice/{}": ["{}", "{} again"],
    "/ordinary/copied/{}": ["{}"],
    "/ordinary/serializable/{}": ["{}"],
    "/ordinary/caught/{}": ["{}"],
    "/ordinary/returned/{}": ["{}"],
}
ROUTES = {"example": {"/products": ["{}"]}, "ordinary": ORDINARY}
"""Paths to write by, and the names of the rows that each stores."""


class Ledger:
    """What was written, what the service said of it, and when the database was back."""

    def __init__(self, routes: dict[str, list[str]]) -> None:
        self.routes = routes
        self.said: dict[str, int] = {}
        self.rows: dict[str, list[str]] = {}
        """The rows that each write stores, by its name."""
        self.by_path: Counter[tuple[str, int]] = Counter()
        self.successes: list[float] = []
        self.accepting: list[float] = []
        self.terminated = 0

    def named(self, *statuses: int) -> set[str]:
        return {name for name, status in self.said.items() if status in statuses}


async def write(ledger: Ledger, url: str, until: float) -> None:
    """Write without end; a connection that is closed before an answer leaves the outcome unknown."""
    while time.monotonic() < until:
        async with Connection.to(url) as connection:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await write_on(ledger, connection, until)


async def write_on(ledger: Ledger, connection: Connection, until: float) -> None:
    while time.monotonic() < until:
        name, (path, rows) = uuid4().hex, random.choice([*ledger.routes.items()])
        ledger.said[name], ledger.rows[name] = NOT_ANSWERED, [row.format(name) for row in rows]
        answer = await connection.request("POST", path.format(name), {"name": name})
        ledger.said[name] = answer.status
        ledger.by_path[path, answer.status] += 1
        if answer.status == 201:
            ledger.successes.append(time.monotonic())
        else:
            await asyncio.sleep(0.02)


@asynccontextmanager
async def connected(dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """Connect as soon as the server accepts connections; the block ends when it is taken down."""
    while True:
        with suppress(OSError, asyncpg.PostgresError):
            connection: asyncpg.Connection = await asyncpg.connect(dsn, timeout=1)
            break
        await asyncio.sleep(0.005)
    try:
        with suppress(OSError, *LOST):
            yield connection
    finally:
        connection.terminate()


async def terminate_now_and_then(ledger: Ledger, dsn: str) -> None:
    """Terminate one backend of the service every 200 ms, while there is a database."""
    one = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database() ORDER BY random() LIMIT 1"
    )
    while True:
        async with connected(dsn) as connection:
            while True:
                ledger.terminated += bool(await connection.fetchval(one))
                # By the clock: a pause after each would come to fewer.
                await asyncio.sleep(TERMINATE_EVERY - time.monotonic() % TERMINATE_EVERY)


async def crash_at_times(ledger: Ledger, server: Durable, dsn: str, started: float) -> None:
    """Kill one backend with -9, and restart the server at once, three times."""
    for at in sorted((*RESTARTS, KILL)):
        await asyncio.sleep(started + at - time.monotonic())
        if at == KILL:
            await kill_a_backend(dsn)
        else:
            await asyncio.to_thread(server.crash)
            await asyncio.to_thread(server.start)
        async with connected(dsn):
            ledger.accepting.append(time.monotonic())


async def kill_a_backend(dsn: str) -> None:
    """Kill -9: the server takes all others down with it, and recovers."""
    others = (
        "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database() LIMIT 1"
    )
    async with connected(dsn) as connection:
        os.kill(await connection.fetchval(others), signal.SIGKILL)
        while True:  # until it is taken down too
            await connection.fetchval("SELECT 1")
            await asyncio.sleep(0.001)


async def keep(ledger: Ledger, service: Service, server: Durable, dsn: str) -> None:
    started = time.monotonic()
    disturbances = [
        asyncio.create_task(terminate_now_and_then(ledger, dsn)),
        asyncio.create_task(crash_at_times(ledger, server, dsn, started)),
    ]
    async with asyncio.TaskGroup() as writers:
        for _ in range(WRITERS):
            writers.create_task(write(ledger, service.url, started + SECONDS))
    await disturbances[1]
    disturbances[0].cancel()
    await asyncio.wait(disturbances)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("routes", ROUTES)
async def test_the_ledger_holds(postgres_to_crash: Durable, routes: str) -> None:
    url = make_url(socket_url(postgres_to_crash.socket_folder))
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    await asyncio.to_thread(migrate, url)
    ledger = Ledger(ROUTES[routes])

    async with running(url) as service:
        await keep(ledger, service, postgres_to_crash, dsn)
        log = service.log()

    there: set[str] = set()
    async with connected(dsn) as connection:
        there = {row["name"] for row in await connection.fetch("SELECT name FROM products")}
    whole_after = [
        next(at for at in ledger.successes if at > accepting) - accepting
        for accepting in ledger.accepting
    ]
    statuses = Counter(ledger.said.values())
    unknown = ledger.named(504, NOT_ANSWERED)
    stored = {name: there.intersection(rows) for name, rows in ledger.rows.items()}
    print(
        f"\nledger of {routes} routes: {len(ledger.said)} writes in {SECONDS:g} s, {dict(statuses)};"
        f" {ledger.terminated} backends terminated, 1 killed, {len(RESTARTS)} restarts;"
        f" of {len(unknown)} unknown {sum(bool(stored[name]) for name in unknown)} were done;"
        f" first success after {', '.join(f'{seconds:.3f}' for seconds in whole_after)} s"
        f"\n{dict(ledger.by_path)}"
    )

    print(*(line for line in log.splitlines() if '"level": "error"' in line), sep="\n")
    lost = {name for name in ledger.named(201) if len(stored[name]) < len(ledger.rows[name])}
    assert not lost, "acknowledged and lost"
    refused = ledger.said.keys() - ledger.named(201, 504, NOT_ANSWERED)
    assert not {name for name in refused if stored[name]}, "refused and done"
    returned = {409} if routes == "ordinary" else set()
    assert statuses.keys() <= {201, 503, 504, NOT_ANSWERED} | returned
    assert '"status": 500' not in log
    assert max(whole_after) <= 1
    assert ledger.terminated >= 50
    assert "Traceback" not in log
    assert routes == "ordinary" or "INSERT" not in log  # a slow query may be in the log
