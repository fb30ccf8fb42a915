from collections.abc import AsyncGenerator

import pytest
from httpx import AsyncClient
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.core.errors import ForbiddenError
from app.core.http.middleware.error_responses import ErrorResponses
from app.core.http.middleware.trusted_host import TrustedHost
from tests.harness.clients import client_of

ran: list[str] = []


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Note that it was asked, and answer."""
    ran.append(Request(scope, receive).method)
    await PlainTextResponse("served")(scope, receive, send)


@pytest.fixture
async def named_client() -> AsyncGenerator[AsyncClient]:
    ran.clear()
    app = ErrorResponses(TrustedHost(application, hosts=["api.example.org", "*.shop.example"]))
    async with client_of(app, base_url="http://api.example.org") as client:
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
async def test_the_names_that_were_given_are_served(named_client: AsyncClient, host: str) -> None:
    assert (await named_client.get("/", headers={"Host": host})).text == "served"


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "shop.example", "xshop.example", "api.example.org.evil.example"),
        *("", "a b", "[::1]", "*.shop.example"),
        *("api.example.org@evil.example", "evil.example/api.example.org"),
    ],
)
async def test_another_name_is_not_served(named_client: AsyncClient, host: str) -> None:
    response = await named_client.get("/", headers={"Host": host})

    assert (response.status_code, ran) == (400, [])
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_a_probe_asks_by_address(named_client: AsyncClient, path: str) -> None:
    assert (await named_client.get(path, headers={"Host": "10.1.2.3:8000"})).text == "served"


@pytest.mark.parametrize("address", ["/products/%00", "/products?q=a%00b"])
async def test_an_address_with_a_nul_is_refused(named_client: AsyncClient, address: str) -> None:
    assert (await named_client.get(address)).status_code == 400
    assert ran == []


OWN_PAGES = ["https://api.example.org", "http://api.example.org:80", "HTTPS://API.example.org:443"]


def check_origin(origin: str | None, *allowed: str) -> None:
    """Open a WebSocket on api.example.org from a page of this origin."""
    headers = [(b"host", b"api.example.org")]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    scope = {"type": "websocket", "path": "/", "query_string": b"", "headers": headers}
    TrustedHost(application, hosts=["*"], origins=allowed).check(scope)


@pytest.mark.parametrize("origin", [None, *OWN_PAGES])
def test_own_pages_and_programs_open_websockets(origin: str | None) -> None:
    check_origin(origin)


def test_pages_of_named_origins_open_websockets() -> None:
    check_origin("https://shop.example", "https://shop.example")
    check_origin("https://shop.example", "*")


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "null", "", "file://", "api.example.org", "ws://api.example.org"),
        *("https://api.example.org.evil.example", "https://evil.example#api.example.org"),
        *("https://api.example.org:444", "https://shop.example.evil.example", "https://[", "\xff"),
    ],
)
def test_pages_of_other_origins_open_no_websocket(origin: str) -> None:
    with pytest.raises(ForbiddenError):
        check_origin(origin, "https://shop.example")
