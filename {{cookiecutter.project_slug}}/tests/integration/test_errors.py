"""Every error is a problem, and tells a client nothing about the inside."""

from collections.abc import AsyncGenerator

import pytest
from httpx import ASGITransport, AsyncClient
from pydantic import Field

from app.core.schemas import Schema
from app.core.settings import Settings
from app.main import create_app

SECRET = "the inside"


class Short(Schema):
    text: str = Field(max_length=3)


@pytest.fixture
async def broken_client() -> AsyncGenerator[AsyncClient]:
    """A client of a small application; it gets the answer to an error, not the exception."""
    app = create_app(Settings(_env_file=None))

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError(SECRET)

    @app.post("/lengths")
    async def lengths(_: Short) -> None: ...

    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_an_unexpected_error_is_a_problem_without_details(
    broken_client: AsyncClient,
) -> None:
    response = await broken_client.get("/broken")

    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert SECRET not in response.text


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/livez", 405)]
)
async def test_what_the_router_refuses_is_a_problem(
    client: AsyncClient, method: str, path: str, status: int
) -> None:
    response = await client.request(method, path)

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status


async def test_an_invalid_value_is_named_and_not_repeated(broken_client: AsyncClient) -> None:
    response = await broken_client.post("/lengths", json={"text": SECRET, SECRET: 1})

    assert response.status_code == 422
    assert [(error["loc"][:2], error["type"]) for error in response.json()["errors"]] == [
        (["body", "text"], "string_too_long"),
        (["body", SECRET], "extra_forbidden"),
    ]
    assert "input" not in response.json()["errors"][0]
