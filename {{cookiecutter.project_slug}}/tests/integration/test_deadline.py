"""A request that takes too long is cancelled, and leaves nothing running."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from httpx import AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db import ReadSession, Session
from app.core.http.middleware.timeout import TOO_LATE
from app.main import create_app
from tests.fixtures.canaries import add, count
from tests.harness.clients import client_of
from tests.harness.databases import settings_for

SLEEP = text("SELECT pg_sleep(20) AS too_long")


router = APIRouter()


@router.post("/slow/{name}")
async def write_and_sleep(name: str, session: Session) -> None:
    await add(session, name)
    await session.execute(SLEEP)


@router.get("/running")
async def still_running(session: ReadSession) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%too_long%'"
    others = "AND pid <> pg_backend_pid() AND state = 'active'"
    found: int = await session.scalar(text(f"{query} {others}"))
    return found


@router.get("/count")
async def read(session: ReadSession) -> int:
    return await count(session)


@router.get("/idle")
async def sleep_in_a_transaction(session: Session) -> None:
    await count(session)
    await asyncio.sleep(20)


@router.get("/stubborn")
async def fail_when_cancelled() -> None:
    try:
        await asyncio.sleep(20)
    except asyncio.CancelledError:
        raise RuntimeError("while it cleans up") from None


@router.get("/stream")
async def stream() -> StreamingResponse:
    async def slowly() -> AsyncGenerator[str]:
        yield "begun"
        await asyncio.sleep(0.35)
        yield ", ended"

    return StreamingResponse(slowly())


@pytest.fixture
async def hasty_client(engine: AsyncEngine) -> AsyncGenerator[AsyncClient]:
    """A client of routes that take their time, under a deadline that gives them none."""
    update = {"request_timeout": 0.3, "database_pool_size": 1}
    app = create_app(settings_for(engine.url).model_copy(update=update))
    app.include_router(router)
    async with app.router.lifespan_context(app) as state, client_of(app, state=state) as client:
        await client.get("/livez")  # the first request builds the application, which takes its time
        yield client


@pytest.mark.usefixtures("cage")
async def test_a_statement_that_is_cut_short_stops_and_is_rolled_back(
    hasty_client: AsyncClient,
) -> None:
    response = await hasty_client.post("/slow/late")

    assert (response.status_code, response.json()["detail"]) == (504, TOO_LATE)
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert (await hasty_client.get("/running")).json() == 0
    assert (await hasty_client.get("/count")).json() == 0


@pytest.mark.usefixtures("cage")
async def test_a_connection_is_given_back_by_a_handler_that_is_cut_short(
    hasty_client: AsyncClient,
) -> None:
    assert (await hasty_client.get("/idle")).status_code == 504
    assert (await hasty_client.get("/count")).status_code == 200  # on the pool's only one


async def test_what_fails_while_it_is_cancelled_is_too_late_all_the_same(
    hasty_client: AsyncClient,
) -> None:
    assert (await hasty_client.get("/stubborn")).status_code == 504


async def test_a_response_that_has_begun_may_take_its_time(hasty_client: AsyncClient) -> None:
    assert (await hasty_client.get("/stream")).text == "begun, ended"
