"""Every fault of the database has an answer of its own."""

from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from app.core.db import CurrentDatabase, Session, get_database
from app.core.db.database import open_database
from app.core.db.sqlstate import OutcomeUnknownError
from app.core.observability import logging
from tests.fixtures.canaries import make_app
from tests.harness.clients import client_of
from tests.harness.databases import settings_for

SECRET = "hunter2"

RAISED = {
    "08006": 503,  # connection failure
    "22021": 422,  # a character that no text may hold
    "22003": 422,  # a number out of range
    "23502": 422,  # not null
    "23503": 409,  # foreign key
    "23505": 409,  # unique
    "23514": 422,  # check
    "23P01": 409,  # exclusion
    "25006": 503,  # read-only
    "28000": 503,  # role
    "3D000": 503,  # database
    "40001": 503,  # serialization
    "40P01": 503,  # deadlock
    "53100": 503,  # disk full
    "53300": 503,  # too many connections
    "55P03": 503,  # lock timeout
    "57014": 504,  # statement timeout
    "57P01": 503,  # shutdown
    "XX000": 503,  # a type that a migration replaced
}


@pytest.fixture
async def faulty_app(engine: AsyncEngine) -> AsyncGenerator[FastAPI]:
    app = make_app()

    @app.get("/raise/{state}")
    async def raise_state(state: str, session: Session) -> None:
        raised = f"RAISE '{SECRET}' USING ERRCODE = '{state}', DETAIL = '{SECRET}'"
        await session.execute(text(f"DO $$ BEGIN {raised}; END $$"))

    @app.get("/unknown")
    async def outcome_unknown() -> None:
        raise OutcomeUnknownError

    @app.get("/no-answer")
    async def no_answer(database: CurrentDatabase) -> None:
        async with database.read() as session:
            await session.execute(text("SELECT pg_sleep(10)"))

    settings = settings_for(engine.url).model_copy(
        update={"database_pool_size": 1, "database_command_timeout": 0.05}
    )
    logging.configure(settings)
    async with open_database(settings) as database:
        app.dependency_overrides[get_database] = lambda: database
        yield app


@pytest.fixture
async def faulty_client(faulty_app: FastAPI) -> AsyncGenerator[AsyncClient]:
    async with client_of(faulty_app) as client:
        yield client


async def test_each_error_of_postgresql_has_its_status_and_tells_nothing_of_the_inside(
    faulty_client: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as lines:
        responses = {state: await faulty_client.get(f"/raise/{state}") for state in RAISED}

    assert {state: response.status_code for state, response in responses.items()} == RAISED
    for response in responses.values():
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["request_id"] == response.headers["x-request-id"]
        assert ("retry-after" in response.headers) == (response.status_code == 503)
        assert SECRET not in response.text
    assert "database_fault" in [line["event"] for line in lines]
    assert SECRET not in f"{lines} {caplog.text}"


async def test_an_error_of_our_own_making_is_not_the_databases(faulty_client: AsyncClient) -> None:
    with pytest.raises(DBAPIError):
        await faulty_client.get("/raise/42601")


async def test_nobody_is_told_to_repeat_what_may_have_been_done(
    faulty_client: AsyncClient,
) -> None:
    response = await faulty_client.get("/unknown")

    assert response.status_code == 504
    assert "retry-after" not in response.headers


@pytest.mark.usefixtures("cage")
async def test_a_server_that_does_not_answer_is_too_late_and_its_connection_replaced(
    faulty_client: AsyncClient,
) -> None:
    assert (await faulty_client.get("/no-answer")).status_code == 504
    assert (await faulty_client.get("/canaries/count")).status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    "place",
    [
        {"host": "127.0.0.1", "port": 1},
        {"host": "nowhere.invalid"},
        {"query": {"host": "/nowhere"}},
    ],
    ids=["refused", "unknown", "no socket"],
)
async def test_a_database_that_is_not_there_is_unavailable(place: dict[str, Any]) -> None:
    nobody = URL.create("postgresql+asyncpg", database="x", username="x", **place)
    async with open_database(settings_for(nobody)) as database:
        app = make_app()
        app.dependency_overrides[get_database] = lambda: database
        async with client_of(app) as client:
            response = await client.get("/canaries/count")

    assert response.status_code == 503


async def test_a_timeout_of_something_else_is_not_the_databases(faulty_app: FastAPI) -> None:
    @faulty_app.get("/elsewhere")
    async def elsewhere(session: Session) -> None:
        await session.execute(text("SELECT 1"))
        raise TimeoutError("another service")

    async with client_of(faulty_app, raises=False) as client:
        assert (await client.get("/elsewhere")).status_code == 500
