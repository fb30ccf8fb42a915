from collections.abc import AsyncGenerator

import pytest
from httpx import AsyncClient
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.core.http.middleware.body_limit import BodyLimit
from app.core.http.middleware.error_responses import ErrorResponses
from tests.harness.clients import client_of

ran: list[str] = []


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Note that it was asked, read the body of a POST, and answer."""
    request = Request(scope, receive)
    ran.append(request.method)
    if request.method == "POST":
        await request.body()
    await PlainTextResponse("served")(scope, receive, send)


@pytest.fixture
async def limited_client() -> AsyncGenerator[AsyncClient]:
    ran.clear()
    async with client_of(ErrorResponses(BodyLimit(application, max_body_size=10))) as client:
        yield client


async def test_a_body_of_the_limit_is_served(limited_client: AsyncClient) -> None:
    assert (await limited_client.post("/", content=b"x" * 10)).text == "served"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_body_that_says_it_is_too_large_is_refused_before_anything_runs(
    limited_client: AsyncClient, method: str
) -> None:
    response = await limited_client.request(method, "/", content=b"x" * 11)

    assert (response.status_code, ran) == (413, [])
    assert response.json()["detail"] == "The body is larger than 10 bytes."
