"""Clients that leave and requests that are cut short, at any instant, leave nothing behind."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import URL

from tests.harness.databases import Databases
from tests.harness.load import Answer, Connection
from tests.harness.servers import connect
from tests.harness.service import running
from tests.harness.ways import WAYS, a_read, a_write

POOL = 5
TIMES = 500
AT_ONCE = 50
OWN = (
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend' AND application_name <> 'watch'"
)

TIMEOUTS = {
    # A quarter of a second for each request, much of which passes in the queue and before locks:
    # wherever it is by then, it ends.
    "DATABASE_LOCK_TIMEOUT": "0.1",
    "DATABASE_STATEMENT_TIMEOUT": "0.15",
    "DATABASE_COMMAND_TIMEOUT": "0.2",
    "DATABASE_POOL_TIMEOUT": "0.24",
    "DATABASE_CONNECT_TIMEOUT": "0.24",
    "REQUEST_TIMEOUT": "0.25",
}


@pytest.fixture
async def database(databases: Databases) -> AsyncGenerator[URL]:
    async with databases.clone() as url:
        yield url


@asynccontextmanager
async def watch(url: URL) -> AsyncGenerator[tuple[asyncpg.Connection, list[int]]]:
    """Count the service's backends all the while."""
    connection = await connect(url, server_settings={"application_name": "watch"})
    counts: list[int] = []

    async def count() -> None:
        while True:
            counts.append(await connection.fetchval(f"SELECT count(*) {OWN}"))
            await asyncio.sleep(0.005)

    counting = asyncio.create_task(count())
    try:
        yield connection, counts
    finally:
        counting.cancel()
        await asyncio.wait([counting])
        await connection.close()


async def hold_locks(url: URL, longest: float) -> None:
    """Lock the table for a while, again and again: requests stand at every point of their way."""
    connection = await connect(url, server_settings={"application_name": "watch"})
    try:
        while True:
            async with connection.transaction():
                await connection.execute("LOCK TABLE products")
                await asyncio.sleep(random.uniform(0, longest))
            await asyncio.sleep(random.uniform(0, longest / 4))
    finally:
        connection.terminate()


async def in_turns(do: Callable[[], Coroutine[Any, Any, int]]) -> Counter[int]:
    """Do it so many times at once until it has returned 504 or 0 so many times."""
    seen: Counter[int] = Counter()

    async def repeat() -> None:
        while seen[504] + seen[0] < TIMES:
            seen[await do()] += 1

    await asyncio.gather(*(repeat() for _ in range(AT_ONCE)))
    return seen


def send(connection: Connection, way: str) -> Coroutine[Any, Any, Answer]:
    return connection.request(*(a_read(way) if random.random() < 0.5 else a_write(way)))


async def assert_nothing_is_left(
    url: URL, way: str, do: Callable[[], Coroutine[Any, Any, int]], locks: float
) -> str:
    """Do it ``TIMES`` times, while locks are held for up to so many seconds; return the figures.

    A block that is opened inside another has a second connection.
    """
    most = POOL if way == "example" else 2 * POOL
    async with watch(url) as (watcher, counts):
        locker = asyncio.create_task(hold_locks(url, locks))
        seen = await in_turns(do)
        locker.cancel()
        await asyncio.wait([locker])
        await asyncio.sleep(2)
        # On a slow machine some are still being served; nothing has been left since a second ago.
        left = f"SELECT state {OWN} AND (state = 'idle' OR state_change < now() - interval '1 s')"
        states = Counter(row["state"] for row in await watcher.fetch(left))

    assert max(counts) <= most
    assert states.keys() <= {"idle"}
    return f"{dict(seen)}; at most {max(counts)} backends of {most}; 2 s later {dict(states)}"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("way", WAYS)
async def test_clients_that_leave_at_any_instant_leave_nothing(database: URL, way: str) -> None:
    async with running(database, DATABASE_POOL_SIZE=str(POOL)) as service:

        async def leave() -> int:
            async with Connection.to(service.url) as connection:
                answer = asyncio.create_task(send(connection, way))
                await asyncio.sleep(random.uniform(0, 0.3))
                connection.leave()
                if answer.done():
                    return (await answer).status
                answer.cancel()
                await asyncio.wait([answer])
                return 0

        figures = await assert_nothing_is_left(database, way, leave, locks=0.04)
        print(f"\ndepartures from {way} routes (0 is one): {figures}")
        async with Connection.to(service.url) as connection:
            assert (await connection.request("GET", "/products")).status == 200
        assert "Traceback" not in service.log()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("way", WAYS)
async def test_requests_that_are_cut_short_at_any_instant_leave_nothing(
    database: URL, way: str
) -> None:
    async with running(database, DATABASE_POOL_SIZE=str(POOL), **TIMEOUTS) as service:

        async def be_late() -> int:
            async with Connection.to(service.url) as connection:
                return (await send(connection, way)).status

        figures = await assert_nothing_is_left(database, way, be_late, locks=0.2)
        print(f"\ntimeouts of {way} routes: {figures}")
        async with Connection.to(service.url) as connection:
            assert (await connection.request("GET", "/products")).status == 200
        assert "Traceback" not in service.log()
