"""What a request costs on the wire: a proxy in front of PostgreSQL counts."""

from typing import Any

from fastapi import FastAPI
from httpx import AsyncClient, Response
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db import get_database
from app.core.db.database import open_database
from tests.harness.databases import settings_for
from tests.harness.proxy import Proxy


async def test_one_round_trip_reads_a_product_and_three_change_one(
    app: FastAPI, engine: AsyncEngine, client: AsyncClient, unique_resource_name: str
) -> None:
    async def request(method: str, path: str, **options: Any) -> Response:
        before = proxy.round_trips
        response = await client.request(method, path, **options)
        counted.append((method, response.status_code, proxy.round_trips - before))
        return response

    async with (
        Proxy.to(engine.url) as proxy,
        open_database(settings_for(proxy.url)) as database,
    ):
        app.dependency_overrides[get_database] = lambda: database
        for _ in range(2):  # the first statements of a connection are prepared
            counted: list[tuple[str, int, int]] = []
            product = await request("POST", "/products", json={"name": unique_resource_name})
            await request("GET", product.headers["location"])
            await request("DELETE", product.headers["location"])

    # BEGIN, INSERT, COMMIT; SELECT; BEGIN, SELECT, DELETE, COMMIT.
    assert counted == [("POST", 201, 3), ("GET", 200, 1), ("DELETE", 204, 4)]
