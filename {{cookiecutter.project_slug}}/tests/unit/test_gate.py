from collections.abc import AsyncGenerator

import pytest
from httpx import AsyncClient
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.core.http.middleware.trusted_host import Gate
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
async def through_the_gate() -> AsyncGenerator[AsyncClient]:
    ran.clear()
    gate = Gate(application, hosts=["api.example.org", "*.shop.example"], max_body_size=10)
    async with client_of(gate, base_url="http://api.example.org") as client:
        yield client


@pytest.mark.parametrize(
    "host",
    [
        "api.example.org",
        "API.example.org",
        "api.example.org:8000",
        "a.shop.example",
        "a.b.shop.example",
    ],
)
async def test_the_names_that_were_given_are_served(
    through_the_gate: AsyncClient, host: str
) -> None:
    assert (await through_the_gate.get("/", headers={"Host": host})).text == "served"


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "shop.example", "xshop.example", "api.example.org.evil.example"),
        *("", "a b", "[::1]", "*.shop.example"),
        *("api.example.org@evil.example", "evil.example/api.example.org"),
    ],
)
async def test_another_name_is_not_served(through_the_gate: AsyncClient, host: str) -> None:
    response = await through_the_gate.get("/", headers={"Host": host})

    assert (response.status_code, ran) == (400, [])
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_a_probe_asks_by_address(through_the_gate: AsyncClient, path: str) -> None:
    assert (await through_the_gate.get(path, headers={"Host": "10.1.2.3:8000"})).text == "served"


@pytest.mark.parametrize("address", ["/products/%00", "/products?q=a%00b"])
async def test_an_address_with_a_nul_is_refused(
    through_the_gate: AsyncClient, address: str
) -> None:
    assert (await through_the_gate.get(address)).status_code == 400
    assert ran == []


async def test_a_body_of_the_limit_is_served(through_the_gate: AsyncClient) -> None:
    assert (await through_the_gate.post("/", content=b"x" * 10)).text == "served"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_body_that_says_it_is_too_large_is_refused_before_anything_runs(
    through_the_gate: AsyncClient, method: str
) -> None:
    response = await through_the_gate.request(method, "/", content=b"x" * 11)

    assert (response.status_code, ran) == (413, [])
    assert response.json()["detail"] == "The body is larger than 10 bytes."
