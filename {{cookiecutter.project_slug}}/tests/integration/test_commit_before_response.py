"""A 2xx means committed: another connection sees the row when the response starts."""

from typing import Any

import pytest
from starlette.types import Message

from app.core.db import get_database
from tests.fixtures.canaries import count, create_table, make_app
from tests.harness.committed import Committed

POST: dict[str, Any] = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "POST",
    "path": "/canaries/a",
    "raw_path": b"/canaries/a",
    "query_string": b"",
    "headers": [],
}


async def watch(database: Committed, query: bytes = b"") -> tuple[int, int]:
    """Add a canary; return the status, and how many another connection saw when it was sent."""
    await create_table(database.engine)
    app = make_app()
    app.dependency_overrides[get_database] = lambda: database
    seen: list[tuple[int, int]] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            async with database.session() as observer:
                seen.append((message["status"], await count(observer)))

    await app(POST | {"query_string": query}, receive, send)
    return seen[0]


@pytest.mark.committed
async def test_the_row_is_there_when_the_response_starts(database: Committed) -> None:
    assert await watch(database) == (200, 1)


@pytest.mark.committed
async def test_a_commit_that_fails_is_an_error_and_leaves_no_row(database: Committed) -> None:
    assert await watch(database, b"parent=nobody") == (409, 0)
