"""Every error is a problem, and tells a client nothing about the inside."""

import json
import re
from collections.abc import AsyncGenerator

import pytest
import structlog
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.middleware.gzip import GZipMiddleware
from httpx import AsyncClient
from pydantic import Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from structlog.testing import capture_logs

from app.core import errors
from app.core.db import Session, get_database
from app.core.db.database import open_database
from app.core.http.exception_handlers import answer_to
from app.core.pagination import PageQuery
from app.core.schemas import Body
from app.main import create_app
from app.settings import Settings
from tests.fixtures.canaries import make_app
from tests.harness.clients import client_of
from tests.harness.databases import settings_for

SECRET = "the inside"


class Short(Body):
    text: str = Field(max_length=3)


async def refuse(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Do what a middleware of a user may do: fail, by mistake or on purpose."""
    if request.headers.get("x-tenant") == "unknown":
        raise errors.UnauthorizedError("Which tenant?", headers={"X-Ask": "again"})
    request.headers["x-tenant"]
    return await call_next(request)


@pytest.fixture
async def guarded_client(engine: AsyncEngine) -> AsyncGenerator[AsyncClient]:
    """A client of an application with a middleware of its own, and one that is mounted in it."""
    app = create_app(settings_for(engine.url))
    app.add_middleware(BaseHTTPMiddleware, dispatch=refuse)
    mounted = FastAPI()
    app.mount("/mounted", GZipMiddleware(mounted))

    @mounted.get("/broken")
    async def broken() -> None:
        raise RuntimeError(SECRET)

    @mounted.get("/missing")
    async def missing() -> None:
        raise errors.NotFoundError("no such room")

    @mounted.post("/lengths")
    async def lengths(_: Short) -> None: ...

    async with (
        app.router.lifespan_context(app) as state,
        client_of(app, raises=False, state=state) as client,
    ):
        yield client


@pytest.fixture
async def broken_client() -> AsyncGenerator[AsyncClient]:
    """A client of a small application; it gets the answer to an error, not the exception."""
    app = create_app(Settings(_env_file=None))

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError(SECRET)

    @app.post("/lengths")
    async def lengths(_: Short) -> None: ...

    @app.get("/refused")
    async def refused() -> None:
        raise HTTPException(499, detail={"code": "left"})

    async with client_of(app, raises=False) as client:
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


async def test_a_detail_of_any_form_is_kept(broken_client: AsyncClient) -> None:
    response = await broken_client.get("/refused")

    assert response.status_code == 499
    assert response.json()["detail"] == '{"code": "left"}'


async def test_the_traceback_has_the_id_that_the_client_was_given(
    broken_client: AsyncClient,
) -> None:
    with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        response = await broken_client.get("/broken")

    (line,) = [line for line in lines if "exc_info" in line]
    assert line["request_id"] == response.headers["x-request-id"]


LOG = [structlog.contextvars.merge_contextvars]


async def test_a_bug_in_a_middleware_is_a_problem_with_a_traceback(
    guarded_client: AsyncClient,
) -> None:
    with capture_logs(LOG) as lines:
        response = await guarded_client.get("/livez")

    assert (response.status_code, response.json()["status"]) == (500, 500)
    assert response.headers["content-type"] == "application/problem+json"
    assert [line["event"] for line in lines] == ["unhandled_error", "request"]
    assert {line["request_id"] for line in lines} == {response.headers["x-request-id"]}


async def test_a_domain_error_in_a_middleware_is_answered(guarded_client: AsyncClient) -> None:
    with capture_logs(LOG) as lines:
        response = await guarded_client.get("/livez", headers={"X-Tenant": "unknown"})

    assert (response.status_code, response.json()["detail"]) == (401, "Which tenant?")
    assert (response.headers["www-authenticate"], response.headers["x-ask"]) == ("Bearer", "again")
    assert [line["event"] for line in lines] == ["request"]


@pytest.mark.parametrize(
    ("method", "path", "status", "events"),
    [
        ("GET", "broken", 500, ["unhandled_error", "request"]),
        ("GET", "missing", 404, ["request"]),
        ("GET", "nowhere", 404, ["request"]),
        ("POST", "lengths", 422, ["request"]),
    ],
)
async def test_a_mounted_application_answers_errors_alike(
    guarded_client: AsyncClient, method: str, path: str, status: int, events: list[str]
) -> None:
    with capture_logs(LOG) as lines:
        response = await guarded_client.request(
            method, f"/mounted/{path}", json={}, headers={"X-Tenant": "a"}
        )

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert [line["event"] for line in lines] == events


@pytest.mark.parametrize(
    ("error", "status", "header"),
    [
        (errors.UnauthorizedError, 401, ("www-authenticate", "Bearer")),
        (errors.ForbiddenError, 403, None),
        (errors.NotFoundError, 404, None),
        (errors.ConflictError, 409, None),
        (errors.InvalidError, 422, None),
        (errors.TooManyRequestsError, 429, ("retry-after", "1")),
        (errors.UnavailableError, 503, ("retry-after", "1")),
    ],
)
def test_a_domain_error_has_its_status_and_headers(
    error: type[errors.DomainError], status: int, header: tuple[str, str] | None
) -> None:
    answer = answer_to(error("why", headers={"X-More": "1"}))

    assert answer is not None
    assert (answer.status, answer.detail) == (status, "why")
    headers = answer.response().headers
    assert headers["x-more"] == "1"
    assert header is None or header in headers.items()


async def test_every_reference_of_the_openapi_document_leads_somewhere(app: FastAPI) -> None:
    document = app.openapi()

    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references <= document["components"]["schemas"].keys()
    assert "$defs" not in json.dumps(document)
    assert "422" not in document["paths"]["/livez"]["get"]["responses"]
    assert "HTTPValidationError" not in json.dumps(document)


@pytest.fixture
async def narrow_client(engine: AsyncEngine) -> AsyncGenerator[AsyncClient]:
    """A client of canaries on a pool of one connection, which is in use, that gives up at once."""
    settings = settings_for(engine.url).model_copy(
        update={"database_pool_size": 1, "database_pool_timeout": 0.05}
    )
    async with open_database(settings) as database, database.transaction() as holder:
        await holder.execute(text("SELECT 1"))
        app = make_app()
        app.dependency_overrides[get_database] = lambda: database

        @app.post("/strict/{number}")
        async def strict(session: Session, number: int, page: PageQuery, body: Short) -> None: ...

        async with client_of(app) as client:
            yield client


@pytest.mark.parametrize(
    ("path", "body"), [("x", "a"), ("1?limit=x", "a"), ("1?cursor=x", "a"), ("1", SECRET)]
)
async def test_invalid_request_does_not_wait_for_a_connection(
    narrow_client: AsyncClient, path: str, body: str
) -> None:
    response = await narrow_client.post(f"/strict/{path}", json={"text": body})

    assert response.status_code == 422


async def test_a_pool_without_a_connection_left_is_unavailable(narrow_client: AsyncClient) -> None:
    response = await narrow_client.get("/canaries/count")

    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert response.json()["detail"] == "The database is busy; retry shortly."


@pytest.mark.usefixtures("cage")
async def test_what_waits_too_long_for_a_lock_is_unavailable(engine: AsyncEngine) -> None:
    settings = settings_for(engine.url).model_copy(update={"database_lock_timeout": 0.02})
    app = make_app()
    async with open_database(settings) as database, engine.begin() as other:
        app.dependency_overrides[get_database] = lambda: database
        await other.execute(text("LOCK TABLE harness.canaries"))
        async with client_of(app) as client:
            response = await client.get("/canaries/count")

    assert response.status_code == 503
