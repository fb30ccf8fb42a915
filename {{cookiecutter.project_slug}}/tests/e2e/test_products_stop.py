"""What a client of the real server notices when that is told to stop."""

import asyncio

from sqlalchemy import text

from tests.harness.databases import Databases, engine_on
from tests.harness.service import running

WAITING = text("SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")


async def test_a_change_that_is_in_flight_is_finished_before_the_server_stops(
    databases: Databases, unique_resource_name: str
) -> None:
    async with (
        databases.clone() as url,
        engine_on(url) as engine,
        running(url, until="/livez") as service,
        service.client() as client,
    ):
        created = await client.post("/products", json={"name": unique_resource_name})
        location = created.headers["location"]
        async with engine.begin() as holder, asyncio.timeout(5):
            await holder.execute(text("SELECT FROM products FOR UPDATE"))
            change = client.patch(location, json={"description": "in time"})
            in_flight = asyncio.create_task(change)
            while not await holder.scalar(WAITING):  # noqa: ASYNC110 - it sets no event
                await asyncio.sleep(0.01)
            service.process.terminate()
            while "Waiting for connections to close" not in service.log():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        answer = await in_flight
        status = await service.process.wait()
        async with engine.connect() as connection:
            stored = await connection.scalar(text("SELECT description FROM products"))

    assert (answer.status_code, stored, status) == (200, "in time", 0)
