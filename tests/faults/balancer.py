"""Five processes behind a balancer that asks /readyz: load alone takes none of them out."""

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections import Counter
from contextlib import AsyncExitStack
from itertools import cycle
from uuid import uuid4

import pytest

from app.settings import ROOT
from tests.harness.databases import Databases
from tests.harness.load import Connection, percentile
from tests.harness.servers import connect
from tests.harness.service import running

PROCESSES = 5
POOL = 2
CLIENTS = 600
SECONDS = 8.0
PROBE_TIMEOUT = 1.0
"""Seconds after which Kubernetes, by default, takes a probe for failed."""

SLOW = """
ALTER TABLE products RENAME TO products_at_once;
CREATE VIEW products AS SELECT products_at_once.*
FROM products_at_once, LATERAL (SELECT pg_sleep(0.05)) AS slowly
"""


async def probe(url: str) -> list[float]:
    """Ask /readyz from another process; it fails if an answer is not 200."""
    command = (sys.executable, "-m", "tests.harness.prober", url, "/readyz", str(SECONDS))
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE)
    said, _ = await process.communicate()
    assert process.returncode == 0, "a process was not ready"
    took: list[float] = json.loads(said)
    return took


@pytest.mark.timeout(120)
async def test_load_alone_takes_no_process_out(databases: Databases) -> None:
    statuses: Counter[int] = Counter()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(databases.clone())
        services = [
            await stack.enter_async_context(running(database, DATABASE_POOL_SIZE=str(POOL)))
            for _ in range(PROCESSES)
        ]
        async with Connection.to(services[0].url) as connection:
            created = await connection.request("POST", "/products", {"name": uuid4().hex})
        administrator = await connect(database)
        await administrator.execute(SLOW)
        await administrator.close()
        until = time.monotonic() + SECONDS

        async def ask(url: str) -> None:
            async with Connection.to(url) as connection:
                while time.monotonic() < until:
                    answer = await connection.request("GET", created.headers["location"])
                    statuses[answer.status] += 1
                    if "retry-after" in answer.headers:
                        await asyncio.sleep(float(answer.headers["retry-after"]))

        urls = [service.url for service in services]
        probing = [asyncio.create_task(probe(url)) for url in urls]
        await asyncio.gather(*(ask(url) for url, _ in zip(cycle(urls), range(CLIENTS))))
        took = [seconds for probes in await asyncio.gather(*probing) for seconds in probes]

    print(
        f"\nbalancer: {CLIENTS} clients on {PROCESSES} processes with a pool of {POOL} each:"
        f" {dict(statuses)}; {len(took)} probes, all 200, p50 {percentile(took, 50) * 1000:.0f} ms,"
        f" p99 {percentile(took, 99) * 1000:.0f} ms, slowest {max(took) * 1000:.0f} ms"
    )
    assert statuses[503] > 0, "it was no overload"
    assert max(took) < PROBE_TIMEOUT
