"""The process ends in time, whatever it waits for, and says how its requests ended."""

import asyncio
import time

import pytest

from tests.harness.databases import Databases
from tests.harness.proxy import Proxy
from tests.harness.service import running
from tests.harness.ways import WAYS, a_read, a_write

BUDGET = {
    "DATABASE_POOL_TIMEOUT": "0.3",
    "DATABASE_CONNECT_TIMEOUT": "0.6",
    "DATABASE_LOCK_TIMEOUT": "0.4",
    "DATABASE_STATEMENT_TIMEOUT": "0.5",
    "DATABASE_COMMAND_TIMEOUT": "0.6",
    "REQUEST_TIMEOUT": "0.8",
    "SHUTDOWN_DRAIN": "0.2",
    "SHUTDOWN_GRACE": "1",
}
SECONDS = 0.2 + 1 + 4
"""The budget, and a little: two seconds for what is cut, one for the database, and a slow machine."""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("way", WAYS)
async def test_a_silent_database_does_not_hold_up_the_end(databases: Databases, way: str) -> None:
    _, read, _ = a_read(way)
    _, write, body = a_write(way)
    async with (
        databases.clone() as url,
        Proxy.to(url) as proxy,
        running(proxy.url, **BUDGET) as service,
        service.client(timeout=10) as client,
    ):
        await asyncio.gather(*(client.get("/products") for _ in range(10)))
        proxy.silence()
        asking = asyncio.gather(client.get(read), client.post(write, json=body))
        await asyncio.wait([asking], timeout=0.2)
        told = time.monotonic()
        service.process.terminate()
        answers = await asking
        status = await service.process.wait()
        took = time.monotonic() - told

    assert (status, took < SECONDS) == (0, True)
    for answer in answers:
        assert answer.status_code in (503, 504)
        assert answer.headers["connection"] == "close"
        assert answer.headers["content-type"] == "application/problem+json"
