"""What a client may send, and what production keeps closed."""

import json
from collections.abc import AsyncGenerator, AsyncIterable, Generator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from httpx import AsyncClient
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.http.middleware.security_headers import HEADERS
from app.core.http.server import stopping
from app.core.schemas import Body, Integer
from app.main import create_app
from tests.harness.clients import client_of
from tests.harness.databases import settings_for


class Note(Body):
    text: str
    pages: Integer = 1


CLOSED = {"environment": "production", "allowed_hosts": ("test",), "max_body_size": 1000}


@pytest.fixture
def overrides() -> dict[str, Any]:
    """Settings of production that a test opens."""
    return {}


@pytest.fixture
async def closed_client(
    engine: AsyncEngine, overrides: dict[str, Any]
) -> AsyncGenerator[AsyncClient]:
    """A client of an application as in production; an error of it is an answer."""
    settings = settings_for(engine.url).model_copy(update=CLOSED | overrides)
    app = create_app(settings)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError

    @app.get("/where", name="where")
    async def where(request: Request) -> list[str]:
        return [request.url.path, str(request.url_for("where"))]

    @app.post("/of-this-test")
    async def write(note: Note) -> Note:
        return note

    async with app.router.lifespan_context(app) as state:
        yield client_of(app, raises=False, state=state)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/livez", 200), ("/nowhere", 404), ("/of-this-test", 405), ("/broken", 500)],
)
async def test_every_answer_has_the_security_headers(
    closed_client: AsyncClient, path: str, status: int
) -> None:
    response = await closed_client.get(path)

    assert response.status_code == status
    assert response.headers.items() >= {k.lower(): v for k, v in HEADERS.items()}.items()
    assert not {"server", "strict-transport-security"} & response.headers.keys()


async def test_only_https_is_made_to_stay_https(closed_client: AsyncClient) -> None:
    response = await closed_client.get("https://test/livez")

    assert response.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
async def test_production_shows_no_docs(closed_client: AsyncClient, path: str) -> None:
    assert (await closed_client.get(path)).status_code == 404


@pytest.mark.parametrize("overrides", [{"docs": True}])
async def test_docs_can_be_opened(closed_client: AsyncClient) -> None:
    response = await closed_client.get("/docs")

    assert response.status_code == 200
    assert "https://cdn.jsdelivr.net" in response.headers["content-security-policy"]


async def test_another_host_is_refused_with_a_problem(closed_client: AsyncClient) -> None:
    response = await closed_client.get("http://evil.example/of-this-test")

    assert response.status_code == 400
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert "x-frame-options" in response.headers


PREFLIGHT = {"Origin": "https://shop.example", "Access-Control-Request-Method": "PATCH"}


async def test_no_other_origin_may_call(closed_client: AsyncClient) -> None:
    response = await closed_client.options("/of-this-test", headers=PREFLIGHT)

    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("overrides", [{"cors_origins": ("https://shop.example",)}])
async def test_an_origin_that_was_named_may_call_and_read_errors(
    closed_client: AsyncClient,
) -> None:
    allowed = await closed_client.options("/of-this-test", headers=PREFLIGHT)
    refused = await closed_client.options(
        "/of-this-test", headers=PREFLIGHT | {"Origin": "https://evil"}
    )
    broken = await closed_client.get("/broken", headers=PREFLIGHT)

    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-origin" not in refused.headers
    assert broken.headers["access-control-allow-origin"] == "https://shop.example"
    assert "X-Request-ID" in broken.headers["access-control-expose-headers"]


async def chunks(size: int) -> AsyncIterable[bytes]:
    body = json.dumps({"text": "t" * size}).encode()
    for start in range(0, len(body), 100):
        yield body[start : start + 100]


async def test_a_body_in_pieces_is_stopped_at_the_limit(closed_client: AsyncClient) -> None:
    header = {"Content-Type": "application/json"}

    response = await closed_client.post("/of-this-test", content=chunks(2000), headers=header)

    assert response.status_code == 413
    assert response.json()["detail"] == "The body is larger than 1000 bytes."


@pytest.mark.parametrize("overrides", [{"root_path": "/api", "docs": True}])
@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_a_prefix_may_be_left_or_removed_by_the_proxy(
    closed_client: AsyncClient, prefix: str
) -> None:
    probe = await closed_client.get(f"http://10.1.2.3{prefix}/livez")
    document = await closed_client.get(f"{prefix}/openapi.json")
    where = await closed_client.get(f"{prefix}/where")

    assert (probe.status_code, document.json()["servers"]) == (200, [{"url": "/api"}])
    assert where.json() == ["/api/where", "http://test/api/where"]


@pytest.mark.parametrize("overrides", [{"root_path": "/api"}])
async def test_a_prefix_is_whole(closed_client: AsyncClient) -> None:
    assert (await closed_client.get("/apis/where")).status_code == 404


@pytest.fixture
def told_to_stop() -> Generator[None]:
    """The process has got a SIGTERM."""
    stopping.set()
    yield
    stopping.clear()


@pytest.mark.usefixtures("told_to_stop")
async def test_who_stops_is_not_ready_but_alive(client: AsyncClient) -> None:
    ready, alive = await client.get("/readyz"), await client.get("/livez")

    assert (ready.status_code, alive.status_code) == (503, 200)
    assert ready.json()["detail"] == "The service is stopping."


def unbounded(schema: Any, where: str = "") -> list[str]:
    """List where a schema lets any integer in."""
    if isinstance(schema, list):
        return [found for part in schema for found in unbounded(part, where)]
    if not isinstance(schema, dict):
        return []
    has_ends = {"minimum", "exclusiveMinimum"} & schema.keys() and {
        "maximum",
        "exclusiveMaximum",
    } & schema.keys()
    here = [where] if schema.get("type") == "integer" and not has_ends else []
    return here + [
        found for key, part in schema.items() for found in unbounded(part, f"{where}/{key}")
    ]


async def test_every_integer_that_a_client_sends_has_bounds(app: FastAPI) -> None:
    """PostgreSQL's integers end, Python's do not: `Integer` in core/schemas.py."""
    document = app.openapi()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    sent = [[operation.get("parameters"), operation.get("requestBody")] for operation in operations]
    schemas = document["components"]["schemas"]
    bodies = {name: schema for name, schema in schemas.items() if f'/{name}"' in json.dumps(sent)}

    assert unbounded([sent, bodies]) == []
    assert unbounded(Note.model_json_schema() | {"type": "integer"}) == [""]  # it does look


@pytest.mark.parametrize(
    "body",
    [
        b'{"text": "a\\u0000"}',
        b'{"text": "\\ud800"}',
        b'{"text": "x", "\\ud800": 1}',
        b'{"text": "x", "pages": NaN}',
        b'{"text": 1e999}',
        b'{"text": "x", "pages": 2147483648}',
        b'{"text": "x", "pages": 1e999}',
        b'{"text": "x", "pages": ' + b"9" * 900 + b"}",
        b'{"text": ' + b"[" * 400 + b"]" * 400 + b"}",
        b'{"text": ' + b"[" * 900,
        b"\xff",
        b"null",
        b'"x"',
        b"",
    ],
    ids=str,
)
async def test_a_body_that_cannot_be_stored_is_the_clients_fault(
    closed_client: AsyncClient, body: bytes
) -> None:
    header = {"Content-Type": "application/json"}

    response = await closed_client.post("/of-this-test", content=body, headers=header)

    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"
