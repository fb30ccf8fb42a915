"""What the process does when its database is not there."""

import json

from httpx import AsyncClient
from sqlalchemy import URL

from tests.harness.service import running

NOBODY_THERE = URL.create("postgresql+asyncpg", "me", host="127.0.0.1", port=1, database="x")


async def test_without_a_database_it_lives_and_says_once_that_it_is_not_ready() -> None:
    async with (
        running(NOBODY_THERE, until="/livez") as service,
        AsyncClient(base_url=service.url, trust_env=False) as client,
    ):
        answers = [(await client.get("/readyz")).status_code for _ in range(3)]
        lines = [json.loads(line) for line in service.log().splitlines()]

    assert answers == [503, 503, 503]
    assert [line["cause"] for line in lines if line["level"] != "info"] == [
        "ConnectionRefusedError"
    ]
