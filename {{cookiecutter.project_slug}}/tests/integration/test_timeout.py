"""A request that takes too long is cancelled, and leaves nothing running."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Generator

import pytest
from anyio.lowlevel import checkpoint
from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from httpx import AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Message

from app.core.db import CurrentDatabase, ReadSession, Session
from app.core.http.middleware.timeout import PART_MAX, TOO_LATE
from app.core.http.protocol import ABORT
from app.core.http.server import stopping
from app.main import create_app
from tests.fixtures.canaries import add, count
from tests.harness.asgi import websocket, websocket_scope
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


@router.get("/endless")
async def stream_rows(database: CurrentDatabase) -> StreamingResponse:
    async def rows() -> AsyncGenerator[str]:
        async with database.transaction() as session:
            while True:
                yield str(await count(session)) * 1000

    return StreamingResponse(rows())


begun = asyncio.Event()


@router.get("/count-slowly")
async def count_slowly(session: Session) -> None:
    await count(session)
    begun.set()
    await asyncio.Event().wait()


@router.get("/large")
async def answer_much() -> PlainTextResponse:
    return PlainTextResponse("x" * 200_000)


@router.websocket("/late")
async def accept_late(socket: WebSocket) -> None:
    await asyncio.sleep(20)
    await socket.accept()


@pytest.fixture
def stop() -> Generator[Callable[[], None]]:
    """What tells the process to stop."""
    begun.clear()
    yield stopping.set
    stopping.clear()


@pytest.fixture
async def hasty_app(engine: AsyncEngine) -> AsyncGenerator[FastAPI]:
    """An application with routes that take their time, under limits that give them none."""
    update = {"request_timeout": 0.3, "send_timeout": 0.2, "database_pool_size": 1}
    app = create_app(settings_for(engine.url).model_copy(update=update))
    app.include_router(router)
    await checkpoint()  # loads anyio's backend, which takes its time
    async with app.router.lifespan_context(app) as app.state.yielded:
        yield app


@pytest.fixture
async def hasty_client(hasty_app: FastAPI) -> AsyncGenerator[AsyncClient]:
    async with client_of(hasty_app, state=hasty_app.state.yielded) as client:
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


async def test_a_websocket_is_accepted_in_time_or_rejected(hasty_app: FastAPI) -> None:
    start, *_ = await websocket(hasty_app, "/late")

    assert (start["type"], start["status"]) == ("websocket.http.response.start", 504)


class Reader:
    """A client that takes so many parts of an answer, and then no more; or each after a while."""

    def __init__(self, parts: int, pause: float = 0) -> None:
        self.parts = parts
        self.pause = pause
        self.taken: list[Message] = []
        self.aborted = False

    async def get(self, app: FastAPI, path: str) -> None:
        scope = websocket_scope(path, type="http", method="GET", scheme="http")
        request: asyncio.Queue[Message] = asyncio.Queue()
        request.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        state = {**app.state.yielded, ABORT: self.abort}
        await app({**scope, "state": state}, request.get, self.take)

    async def take(self, message: Message) -> None:
        if len(self.taken) == self.parts:
            await asyncio.Event().wait()
        self.taken.append(message)
        await asyncio.sleep(self.pause)

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.usefixtures("cage")
async def test_a_client_that_stops_reading_holds_no_connection(
    hasty_app: FastAPI, hasty_client: AsyncClient
) -> None:
    reader = Reader(parts=3)

    await reader.get(hasty_app, "/endless")

    assert reader.aborted
    assert (await hasty_client.get("/count")).status_code == 200  # on the pool's only one


async def test_a_client_that_reads_slowly_gets_everything(hasty_app: FastAPI) -> None:
    reader = Reader(parts=100, pause=0.1)  # all together, longer than one part may take

    await reader.get(hasty_app, "/large")

    bodies = [message["body"] for message in reader.taken if "body" in message]
    assert b"".join(bodies) == b"x" * 200_000
    assert max(map(len, bodies)) <= PART_MAX


@pytest.mark.usefixtures("cage")
async def test_a_request_that_a_stop_cuts_is_answered(
    hasty_app: FastAPI, stop: Callable[[], None]
) -> None:
    reader = Reader(parts=10)
    request = asyncio.create_task(reader.get(hasty_app, "/count-slowly"))
    await begun.wait()
    stop()
    request.cancel()
    await request

    start, body = reader.taken
    assert start["status"] == 504
    assert json.loads(body["body"])["detail"].startswith("The service stops")
