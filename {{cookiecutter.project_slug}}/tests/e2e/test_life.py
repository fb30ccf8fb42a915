"""What the process does when its database comes late, and when it is told to stop.

It takes a second to start: it lives once, and each test is about one thing that it did.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.settings import project
from tests.harness.databases import Databases, engine_on
from tests.harness.proxy import Proxy
from tests.harness.service import Service, eventually, free_port, running

SETTINGS = {
    "SHUTDOWN_DRAIN": "0.3",
    "PYTHONPROFILEIMPORTTIME": "1",  # the log names what is imported
}

BACKENDS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE application_name = :name AND pid <> pg_backend_pid() AND datname = current_database()"
)


@dataclass(frozen=True)
class Life:
    """What clients, the log and PostgreSQL tell of it."""

    without_database: list[int]
    last_words: Response
    after_them: Response
    status: int
    backends: int
    log: str

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def imports(self) -> set[str]:
        return {line.rpartition("|")[2].strip() for line in self.log.splitlines()}


async def live(service: Service, client: AsyncClient, late: Proxy, engine: AsyncEngine) -> Life:
    """Ask, let the database come, stop the service, and ask again."""

    async def is_ready() -> bool:
        return (await client.get("/readyz")).is_success

    without_database = [(await client.get("/readyz")).status_code for _ in range(3)]
    async with late.listening():
        await eventually(is_ready, within=5)
        service.process.terminate()
        await until_it_stops(client)
        last_words = await client.get("/readyz")
        after_them = await client.get("/livez")
        status = await service.process.wait()
        async with engine.connect() as connection:
            backends = await connection.scalar(BACKENDS, {"name": project.name})
    return Life(without_database, last_words, after_them, status, backends, service.log())


async def until_it_stops(client: AsyncClient) -> None:
    """Ask until the service keeps no connection: from now on it has its drain to live."""
    async with asyncio.timeout(5):
        while (await client.get("/livez")).headers.get("connection") != "close":
            pass


@pytest.fixture(scope="module")
async def life(databases: Databases) -> Life:
    async with databases.clone() as url, engine_on(url) as engine:
        late = Proxy(url, port=free_port())
        async with (
            running(late.url, until="/livez", **SETTINGS) as service,
            service.client() as client,
        ):
            return await live(service, client, late, engine)


# Async, all of them, though they wait for nothing: pytest-asyncio 1.5 has torn `databases` down for a
# test that is not, when a module's async fixture has ended just before it.
async def test_without_a_database_it_is_alive_and_says_once_that_it_is_not_ready(
    life: Life,
) -> None:
    causes = [line["cause"] for line in life.lines() if line["event"] == "not_ready"]

    assert life.without_database == [503, 503, 503]
    assert causes.count("ConnectionRefusedError") == 1


async def test_told_to_stop_it_says_so_and_serves_on_for_a_while(life: Life) -> None:
    assert life.last_words.status_code == 503
    assert life.last_words.json()["detail"] == "The service is stopping."
    assert life.after_them.status_code == 200


async def test_it_ends_well_and_leaves_no_connection(life: Life) -> None:
    assert (life.status, life.backends) == (0, 0)


async def test_telemetry_that_is_off_is_not_imported(life: Life) -> None:
    assert "opentelemetry.trace" in life.imports()
    assert "opentelemetry.sdk" not in life.imports()
