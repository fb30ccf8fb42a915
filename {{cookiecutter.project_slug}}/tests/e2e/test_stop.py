"""What happens on SIGTERM, in a process of its own."""

import asyncio

from httpx import AsyncClient, Response
from sqlalchemy import text

from app.core.settings import project
from tests.harness.databases import Databases, engine_on
from tests.harness.service import running

BACKENDS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE application_name = :name AND pid <> pg_backend_pid() AND datname = current_database()"
)


async def last_words(client: AsyncClient) -> Response:
    """Return what /readyz says once the service has begun to stop."""
    async with asyncio.timeout(5):
        while (answer := await client.get("/readyz")).headers.get("connection") != "close":
            pass
    return answer


async def test_it_says_so_serves_on_for_a_while_and_leaves_nothing(databases: Databases) -> None:
    async with (
        databases.clone() as url,
        engine_on(url) as engine,
        running(url, SHUTDOWN_DRAIN="0.3") as service,
        AsyncClient(base_url=service.url, trust_env=False) as client,
    ):
        service.process.terminate()
        answer = await last_words(client)
        still_served = await client.get("/livez")
        status = await service.process.wait()
        async with engine.connect() as connection:
            backends = await connection.scalar(BACKENDS, {"name": project.name})

    assert (answer.status_code, answer.json()["detail"]) == (503, "The service is stopping.")
    assert still_served.status_code == 200
    assert (status, backends) == (0, 0)
