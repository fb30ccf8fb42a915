"""Faults of the database, as a client of the real server meets them."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import asyncpg
import pytest
from httpx import AsyncClient, ReadTimeout, Response

from tests.harness.databases import Databases
from tests.harness.proxy import Proxy
from tests.harness.servers import connect
from tests.harness.service import Service, eventually, running

POOL = 3
REQUEST_TIMEOUT = 0.8
"""Seconds; short, so that the tests are."""

DEADLINES = {
    "DATABASE_POOL_SIZE": str(POOL),
    "DATABASE_POOL_TIMEOUT": "0.3",
    "DATABASE_CONNECT_TIMEOUT": "0.6",
    "DATABASE_LOCK_TIMEOUT": "0.4",  # longer than the queue: nobody else gets in meanwhile
    "DATABASE_STATEMENT_TIMEOUT": "0.5",
    "DATABASE_COMMAND_TIMEOUT": "0.6",
    "REQUEST_TIMEOUT": str(REQUEST_TIMEOUT),
    "DATABASE_SLOW_QUERY": "60",  # the one line of the log that has SQL, by intent
}


@dataclass(frozen=True)
class Site:
    """A service, its client, the way to its database, and a connection of the test's own."""

    service: Service
    client: AsyncClient
    proxy: Proxy
    administrator: asyncpg.Connection

    async def add(self, name: str) -> Response:
        return await self.client.post("/products", json={"name": name})

    async def read_at_once(self, path: str, count: int) -> list[Response]:
        return await asyncio.gather(*(self.client.get(path) for _ in range(count)))

    async def backends(self, where: str = "true") -> int:
        query = "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        own = "AND datname = current_database() AND backend_type = 'client backend'"
        return int(await self.administrator.fetchval(f"{query} {own} AND {where}"))

    async def serves(self) -> bool:
        return (await self.client.get("/products")).is_success

    async def rests(self) -> bool:
        return await self.backends("state <> 'idle'") == 0

    async def terminate(self) -> int:
        """Terminate all backends of the service, and do not wait until they are gone."""
        query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        own = "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return int(await self.administrator.fetchval(f"{query} {own}"))


@pytest.fixture(scope="module")
async def site(databases: Databases) -> AsyncGenerator[Site]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(databases.clone())
        proxy = await stack.enter_async_context(Proxy.to(url))
        service = await stack.enter_async_context(running(proxy.url, until="/livez", **DEADLINES))
        client = await stack.enter_async_context(service.client(timeout=10))
        administrator = await connect(url)
        stack.push_async_callback(administrator.close)
        yield Site(service, client, proxy, administrator)


async def test_no_request_fails_when_every_idle_connection_was_terminated(
    site: Site, unique_resource_name: str
) -> None:
    created = await site.add(unique_resource_name)
    path = created.headers["location"]
    await site.read_at_once(path, 4 * POOL)

    statuses = []
    for number in range(8):
        assert await site.terminate() > 0
        written = await site.add(f"{unique_resource_name}-{number}")
        read = await site.read_at_once(path, 3)
        statuses += [written.status_code, *(response.status_code for response in read)]

    assert statuses == [201, 200, 200, 200] * 8


async def test_a_silent_connection_is_answered_in_time_and_healed(
    site: Site, unique_resource_name: str
) -> None:
    path = (await site.add(unique_resource_name)).headers["location"]
    await site.read_at_once(path, 4 * POOL)

    site.proxy.silence()
    started = time.monotonic()
    answers = await asyncio.gather(
        site.add(f"{unique_resource_name}-silent"), site.read_at_once(path, 4 * POOL)
    )
    took = time.monotonic() - started
    alive = await site.client.get("/livez")
    site.proxy.heal()
    await eventually(site.serves, within=1)

    assert {answer.status_code for answer in (answers[0], *answers[1])} <= {503, 504}
    assert took < REQUEST_TIMEOUT + 1
    assert alive.status_code == 200


async def test_more_requests_than_connections_are_served_or_turned_away_in_time(
    site: Site, unique_resource_name: str
) -> None:
    path = (await site.add(unique_resource_name)).headers["location"]
    async with site.administrator.transaction():
        await site.administrator.execute("LOCK TABLE products")
        # Without a limit on their patience, all but a few would run into the request's deadline: 504.
        crowd = await site.read_at_once(path, 5 * POOL)

    assert {(response.status_code, response.headers["retry-after"]) for response in crowd} == {
        (503, "1")
    }
    assert (await site.client.get(path)).status_code == 200
    log = site.service.log()
    assert all(response.headers["x-request-id"] in log for response in crowd)
    for inside in ("Traceback", "SELECT", "INSERT", "postgresql://"):
        assert inside not in log + crowd[0].text


async def test_clients_that_leave_leave_nothing_behind(
    site: Site, unique_resource_name: str
) -> None:
    async def leave(number: int) -> None:
        try:
            await site.client.post(
                "/products", json={"name": f"{unique_resource_name}-{number}"}, timeout=0.1
            )
        except ReadTimeout:
            return
        pytest.fail("The client was to leave before the answer came.")

    async with site.administrator.transaction():
        await site.administrator.execute("LOCK TABLE products")
        await asyncio.gather(*(leave(number) for number in range(2 * POOL)))

    await eventually(site.rests, within=2)
    assert await site.backends() <= POOL
    assert (await site.add(unique_resource_name)).status_code == 201
