"""Every fault of the database has an answer of its own."""

from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Any

import asyncpg
import pytest
from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException
from httpx import AsyncClient
from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm.exc import StaleDataError
from structlog.testing import capture_logs

from app.core.db import CurrentDatabase, Session, get_database
from app.core.db.database import open_database
from app.core.db.sqlstate import STALE, OutcomeUnknownError
from app.core.errors import ConflictError
from app.core.http.middleware.error_responses import ErrorResponses
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


PLACES = ["execute", "fetch", "generator", "commit", "copy"]
"""Where in a request an error of PostgreSQL can arise."""

FUNCTION = f"""
CREATE FUNCTION harness.fail(state text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN RAISE '{SECRET}' USING ERRCODE = state, DETAIL = '{SECRET}'; END $$;
CREATE FUNCTION harness.fail_on_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM harness.fail(NEW.state); RETURN NEW; END $$;
CREATE TABLE harness.at_once (state text);
CREATE TRIGGER fail BEFORE INSERT ON harness.at_once
    FOR EACH ROW EXECUTE FUNCTION harness.fail_on_write();
CREATE TABLE harness.at_commit (state text);
CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON harness.at_commit DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION harness.fail_on_write()
"""
ROWS = text("SELECT CASE WHEN n > 60 THEN harness.fail(:state) END FROM generate_series(1, 70) n")


@pytest.fixture(scope="session")
async def failing_objects(engine: AsyncEngine, cage: None) -> None:
    """Functions and tables that raise an error of any code."""
    del cage
    async with engine.begin() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert isinstance(driver, asyncpg.Connection)
        await driver.execute(FUNCTION)


router = APIRouter()


@router.get("/execute/{state}")
async def execute(state: str, session: Session) -> None:
    await session.execute(text("SELECT harness.fail(:state)"), {"state": state})


@router.get("/fetch/{state}")
async def fetch(state: str, session: Session) -> int:
    rows = await session.stream_scalars(ROWS, {"state": state})
    return len([row async for row in rows])


@router.get("/generator/{state}")
async def generate(state: str, database: CurrentDatabase) -> int:
    async def rows() -> AsyncGenerator[str]:
        async with database.transaction() as session:
            async for row in await session.stream_scalars(ROWS, {"state": state}):
                yield str(row)

    return len([row async for row in rows()])


@router.get("/commit/{state}")
async def commit(state: str, session: Session) -> None:
    query = text("INSERT INTO harness.at_commit VALUES (:state)")
    await session.execute(query, {"state": state})


@router.get("/copy/{state}")
async def copy(state: str, session: Session) -> None:
    driver = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    await driver.copy_records_to_table("at_once", records=[(state,)], schema_name="harness")


@router.post("/twice/{state}")
async def work_twice(state: str, database: CurrentDatabase) -> None:
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_current_xact_id()"))  # leaves nothing to remove
    async with database.transaction() as session:
        await session.execute(text("SELECT harness.fail(:state)"), {"state": state})


@router.post("/given-up")
async def give_up(database: CurrentDatabase) -> None:
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_current_xact_id()"))
    raise HTTPException(503, headers={"Retry-After": "1"})


@router.post("/late")
async def fail_after_the_response(tasks: BackgroundTasks) -> None:
    async def work() -> None:
        raise ConflictError("after the response")

    tasks.add_task(work)


@router.get("/changed-meanwhile")
async def change_what_is_gone() -> None:
    raise StaleDataError


@router.get("/not-encodable")
async def encode() -> None:
    raise asyncpg.InternalClientError("no binary format encoder for type citext")


@router.get("/stale")
async def stale_plan() -> None:
    raise DBAPIError("SELECT", None, STALE[0]("stale"))


@router.get("/unknown")
async def outcome_unknown() -> None:
    raise OutcomeUnknownError


@router.get("/no-answer")
async def no_answer(database: CurrentDatabase) -> None:
    async with database.read() as session:
        await session.execute(text("SELECT pg_sleep(10)"))


@router.get("/no-answer/copy")
async def no_answer_to_the_driver(session: Session) -> None:
    driver = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    await driver.fetch("SELECT pg_sleep(10)", timeout=0.05)


@pytest.fixture
async def faulty_app(engine: AsyncEngine) -> AsyncGenerator[FastAPI]:
    app = make_app()
    app.include_router(router)
    settings = settings_for(engine.url).model_copy(
        update={"database_pool_size": 1, "database_command_timeout": 0.5}
    )
    logging.configure(settings)
    async with open_database(settings) as database:
        app.dependency_overrides[get_database] = lambda: database
        yield app


@pytest.fixture
async def faulty_client(faulty_app: FastAPI) -> AsyncGenerator[AsyncClient]:
    async with client_of(faulty_app) as client:
        yield client


@pytest.mark.usefixtures("failing_objects")
@pytest.mark.parametrize("place", PLACES)
async def test_each_error_has_its_status_wherever_it_arises(
    faulty_client: AsyncClient, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    with capture_logs() as lines:
        responses = {state: await faulty_client.get(f"/{place}/{state}") for state in RAISED}

    # What is lost while it commits may have been done.
    is_unknown = {"08006", "25006", "57P01"} if place == "commit" else set()
    expected = {state: 504 if state in is_unknown else RAISED[state] for state in RAISED}
    assert {state: response.status_code for state, response in responses.items()} == expected
    for response in responses.values():
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["request_id"] == response.headers["x-request-id"]
        assert ("retry-after" in response.headers) == (response.status_code == 503)
        assert SECRET not in response.text
    assert "database_error" in [line["event"] for line in lines]
    assert SECRET not in f"{lines} {caplog.text}"


@pytest.mark.usefixtures("failing_objects")
@pytest.mark.parametrize("path", ["/twice/40001", "/given-up"])
async def test_503_is_504_once_the_request_has_committed(
    faulty_client: AsyncClient, path: str
) -> None:
    response = await faulty_client.post(path)

    assert response.status_code == 504
    assert "retry-after" not in response.headers
    assert response.json()["detail"].startswith("A part of the request was done")


@pytest.mark.usefixtures("failing_objects")
async def test_an_error_of_our_own_making_is_not_the_databases(faulty_client: AsyncClient) -> None:
    with pytest.raises(DBAPIError):
        await faulty_client.get("/execute/42601")


async def test_what_fails_after_the_response_is_logged_and_raised(
    faulty_app: FastAPI,
) -> None:
    app = ErrorResponses(faulty_app)
    with capture_logs() as lines:
        async with client_of(app) as client:
            with pytest.raises(RuntimeError, match="response already started"):
                await client.post("/late")

    assert "unhandled_error" in [line["event"] for line in lines]


async def test_row_that_was_changed_meanwhile_is_a_conflict(faulty_client: AsyncClient) -> None:
    assert (await faulty_client.get("/changed-meanwhile")).status_code == 409


async def test_value_that_the_driver_cannot_encode_is_an_error_of_the_code(
    faulty_client: AsyncClient,
) -> None:
    with pytest.raises(asyncpg.InternalClientError):
        await faulty_client.get("/not-encodable")


async def test_stale_plan_is_unavailable(faulty_client: AsyncClient) -> None:
    assert (await faulty_client.get("/stale")).status_code == 503


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
    assert (await faulty_client.get("/no-answer/copy")).status_code == 504
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
