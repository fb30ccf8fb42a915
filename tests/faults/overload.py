"""A thousand clients at a pool of five: served or turned away in time, and no fewer served in all."""

import asyncio
import json
import random
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from app.settings import ROOT, Settings
from tests.harness.databases import Databases
from tests.harness.load import Answer, Connection, percentile
from tests.harness.servers import connect
from tests.harness.service import running
from tests.harness.ways import WAYS

POOL = 5
CROWD = 1000
FEW = 16
SECONDS = 5.0
ROUNDS = 3
QUEUE_TIMEOUT = Settings.model_fields["database_pool_timeout"].default

SLOW = """
ALTER TABLE products RENAME TO products_at_once;
CREATE VIEW products AS SELECT products_at_once.*
FROM products_at_once, LATERAL (SELECT pg_sleep(0.02)) AS slowly
"""
"""A query takes 20 ms: the pool is what there is too little of, and not the processor."""


@dataclass
class Round:
    """What so many clients got, and how long /livez took meanwhile."""

    answers: list[tuple[float, Answer]] = field(default_factory=list)
    liveness: list[float] = field(default_factory=list)

    @property
    def served(self) -> float:
        """Answers a second, from the first second on: it takes one until all have come."""
        return sum(answer.status == 200 for at, answer in self.answers if 1 < at < SECONDS) / (
            SECONDS - 1
        )

    @property
    def refused(self) -> list[float]:
        return [answer.seconds for _, answer in self.answers if answer.status == 503]


@pytest.fixture(params=WAYS)
async def url(request: pytest.FixtureRequest, databases: Databases) -> AsyncGenerator[str]:
    """A URL to read from, of a service whose database is slow."""
    async with (
        databases.clone() as database,
        running(database, DATABASE_POOL_SIZE=str(POOL)) as service,
    ):
        async with Connection.to(service.url) as connection:
            created = await connection.request("POST", "/products", {"name": uuid4().hex})
        administrator = await connect(database)
        await administrator.execute(SLOW)
        await administrator.close()
        location = created.headers["location"]
        yield service.url + (location if request.param == "example" else "/ordinary/seen")


async def load(url: str, clients: int) -> Round:
    """Let so many clients ask again and again; who is turned away comes back when it was told to."""
    result = Round()
    probing = asyncio.create_task(probe(url))
    await asyncio.sleep(0.5)
    started = time.monotonic()

    async def ask() -> None:
        async with Connection.to(url) as connection:
            while time.monotonic() < started + SECONDS:
                answer = await connection.request("GET", urlsplit(url).path)
                result.answers.append((time.monotonic() - started, answer))
                if "retry-after" in answer.headers:
                    await asyncio.sleep(float(answer.headers["retry-after"]) + random.random())

    await asyncio.gather(*(ask() for _ in range(clients)))
    result.liveness = await probing
    return result


async def probe(url: str) -> list[float]:
    """Ask /livez meanwhile, from another process."""
    command = (sys.executable, "-m", "tests.harness.prober", url, "/livez", str(SECONDS + 0.5))
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE)
    said, _ = await process.communicate()
    took: list[float] = json.loads(said)
    return took


@pytest.mark.timeout(120)
async def test_a_crowd_is_served_or_turned_away_in_time(url: str) -> None:
    goodput, slowest, liveness = [], [], []
    for _ in range(ROUNDS):
        calm, crowd = await load(url, FEW), await load(url, CROWD)
        goodput.append(crowd.served / calm.served)
        slowest.append(max(crowd.refused))
        liveness.append(percentile(crowd.liveness, 99))
        print(
            f"\noverload of {urlsplit(url).path[:9]}: {calm.served:.0f} answers/s to {FEW} clients,"
            f" {crowd.served:.0f} to {CROWD} on a pool of {POOL}: x{goodput[-1]:.2f};"
            f" {len(crowd.refused)} times 503, slowest {slowest[-1]:.2f} s;"
            f" /livez p50 {percentile(crowd.liveness, 50) * 1000:.1f} ms,"
            f" p99 {liveness[-1] * 1000:.0f} ms"
        )

        assert {answer.status for _, answer in crowd.answers} == {200, 503}

    # The best of them: whatever else runs on this machine only makes it worse.
    assert min(slowest) <= QUEUE_TIMEOUT + 1
    assert max(goodput) >= 0.7
    assert min(liveness) < 0.2
