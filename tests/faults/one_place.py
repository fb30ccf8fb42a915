"""An authentication that reads, before a route that writes: one place in the queue for both."""

import asyncio
import time
from collections import Counter
from uuid import uuid4

import pytest

from tests.harness.databases import Databases
from tests.harness.load import Connection
from tests.harness.service import running

CLIENTS = [20, 100, 1000]
SECONDS = 4.0
ROUNDS = 3


async def load(url: str, path: str, clients: int) -> Counter[int]:
    """Let so many clients write for a while; return how many answers had which status."""
    statuses: Counter[int] = Counter()
    until = time.monotonic() + SECONDS

    async def ask() -> None:
        async with Connection.to(url) as connection:
            while time.monotonic() < until:
                answer = await connection.request("POST", f"{path}/{uuid4().hex}", {})
                statuses[answer.status] += 1
                if "retry-after" in answer.headers:
                    await asyncio.sleep(float(answer.headers["retry-after"]))

    await asyncio.gather(*(ask() for _ in range(clients)))
    return statuses


@pytest.mark.timeout(120)
@pytest.mark.parametrize("clients", CLIENTS)
async def test_a_request_waits_once(databases: Databases, clients: int) -> None:
    async with (
        databases.clone() as database,
        running(
            database, DATABASE_POOL_SIZE="10", REQUEST_TIMEOUT="30", SHUTDOWN_GRACE="40"
        ) as service,
    ):
        for _ in range(ROUNDS):
            plain = await load(service.url, "/ordinary/plain", clients)
            authenticated = await load(service.url, "/ordinary/authenticated", clients)
            ratio = authenticated[201] / plain[201]
            print(
                f"\none place: {clients} clients on a pool of 10: {plain[201] / SECONDS:.0f}/s"
                f" {dict(plain)}, with an authentication that reads"
                f" {authenticated[201] / SECONDS:.0f}/s {dict(authenticated)}: x{ratio:.2f}"
            )

            assert {*plain, *authenticated} <= ({201} if clients == min(CLIENTS) else {201, 503})
