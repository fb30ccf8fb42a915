"""A WebSocket has an id, a line in the log, and an answer to every error."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
import structlog
from fastapi import APIRouter, Depends, FastAPI, HTTPException, WebSocket
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Message
from structlog.testing import capture_logs

from app.core import errors
from app.core.db import CurrentDatabase, ReadSession, Session
from app.core.http.routes import RouteError
from app.main import create_app
from tests.fixtures.canaries import add
from tests.harness.asgi import websocket
from tests.harness.databases import settings_for

ERRORS: dict[str, Exception] = {
    "unauthorized": errors.UnauthorizedError("who?"),
    "forbidden": HTTPException(403, "not yours"),
    "missing": errors.NotFoundError("no such room"),
    "unavailable": errors.UnavailableError("later"),
    "bug": ZeroDivisionError("the inside"),
    "long": errors.ConflictError("ä" * 100),
}


router = APIRouter()


@router.websocket("/before/{kind}")
async def fail_before(kind: str) -> None:
    raise ERRORS[kind]


@router.websocket("/after/{kind}")
async def fail_after(socket: WebSocket, kind: str) -> None:
    await socket.accept()
    raise ERRORS[kind]


@router.websocket("/rooms/{number}")
async def echo(socket: WebSocket, number: int) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(f"{number}: {text}")


@router.websocket("/unread")
async def accept_and_return(socket: WebSocket) -> None:
    await socket.accept()


@router.websocket("/silent")
async def do_nothing() -> None: ...


@router.websocket("/closed")
async def close(socket: WebSocket) -> None:
    await socket.close(1008, "full")


@router.websocket("/names")
async def store_names(socket: WebSocket, database: CurrentDatabase) -> None:
    await socket.accept()
    async for name in socket.iter_text():
        async with database.transaction() as session:
            await add(session, name)


@pytest.fixture
async def chat(engine: AsyncEngine) -> AsyncGenerator[FastAPI]:
    """The application with these WebSockets."""
    app = create_app(settings_for(engine.url))
    app.include_router(router)
    async with app.router.lifespan_context(app) as app.state.yielded:
        yield app


def problem(heard: list[Message]) -> tuple[int, dict[str, Any]]:
    start, *bodies = heard
    assert start["type"] == "websocket.http.response.start"
    assert (b"content-type", b"application/problem+json") in start["headers"]
    return start["status"], json.loads(b"".join(body["body"] for body in bodies))


@pytest.mark.parametrize(
    ("kind", "status", "detail"),
    [
        ("unauthorized", 401, "who?"),
        ("forbidden", 403, "not yours"),
        ("missing", 404, "no such room"),
        ("unavailable", 503, "later"),
    ],
)
async def test_an_error_before_accept_rejects_with_a_problem(
    chat: FastAPI, kind: str, status: int, detail: str
) -> None:
    answer, body = problem(await websocket(chat, f"/before/{kind}"))

    assert (answer, body["detail"]) == (status, detail)


async def test_an_invalid_path_rejects_with_a_problem(chat: FastAPI) -> None:
    status, body = problem(await websocket(chat, "/rooms/x"))

    assert (status, body["errors"][0]["loc"]) == (422, ["path", "number"])


async def test_a_close_before_accept_rejects_with_its_reason(chat: FastAPI) -> None:
    status, body = problem(await websocket(chat, "/closed"))

    assert (status, body["detail"]) == (403, "full")


async def test_a_server_without_denials_gets_a_close(chat: FastAPI) -> None:
    heard = await websocket(chat, "/before/missing", extensions={})

    assert heard == [{"type": "websocket.close", "code": 1008, "reason": "no such room"}]


@pytest.mark.parametrize(
    ("kind", "code", "reason"),
    [
        ("unauthorized", 1008, "who?"),
        ("forbidden", 1008, "not yours"),
        ("unavailable", 1013, "later"),
        ("long", 1008, "ä" * 61),
    ],
)
async def test_an_error_after_accept_closes_with_a_reason(
    chat: FastAPI, kind: str, code: int, reason: str
) -> None:
    *_, last = await websocket(chat, f"/after/{kind}")

    assert last == {"type": "websocket.close", "code": code, "reason": reason}


async def bug(chat: FastAPI, path: str) -> tuple[list[Message], list[Any]]:
    """Return what the client heard of a bug, and the tracebacks in the log."""
    heard: list[Message] = []

    async def keep(message: Message) -> None:
        heard.append(message)

    log = capture_logs([structlog.contextvars.merge_contextvars])
    with log as lines, pytest.raises(ZeroDivisionError):
        await websocket(_copying(chat, keep), path)
    return heard, [line for line in lines if "exc_info" in line]


def _copying(app: FastAPI, keep: Any) -> Any:
    async def copying(scope: Any, receive: Any, send: Any) -> None:
        async def send_and_keep(message: Message) -> None:
            await keep(message)
            await send(message)

        await app(scope, receive, send_and_keep)

    return copying


async def test_a_bug_before_accept_is_500_with_one_traceback(chat: FastAPI) -> None:
    heard, tracebacks = await bug(chat, "/before/bug")

    status, body = problem(heard)
    assert (status, len(tracebacks)) == (500, 1)
    assert body["request_id"] == tracebacks[0]["request_id"]
    assert "the inside" not in str(heard)


async def test_a_bug_after_accept_closes_with_one_traceback(chat: FastAPI) -> None:
    heard, tracebacks = await bug(chat, "/after/bug")

    close = {"type": "websocket.close", "code": 1011, "reason": "Internal Server Error"}
    assert (heard[-1], len(tracebacks)) == (close, 1)


async def test_a_handler_that_returns_closes_the_socket(chat: FastAPI) -> None:
    *_, last = await websocket(chat, "/unread")

    assert (last["type"], last["code"]) == ("websocket.close", 1000)


async def test_a_handler_that_does_nothing_rejects(chat: FastAPI) -> None:
    assert problem(await websocket(chat, "/silent"))[0] == 500


async def test_a_websocket_has_an_id_and_one_line(chat: FastAPI) -> None:
    with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        accept, answer = await websocket(
            chat,
            "/rooms/7",
            "hello",
            headers=[(b"host", b"test"), (b"x-request-id", b"mine-1")],
            query_string=b"token=hunter2",
        )

    assert (b"x-request-id", b"mine-1") in accept["headers"]
    assert answer["text"] == "7: hello"
    (line,) = lines
    assert (line["event"], line["status"], line["code"]) == ("websocket", 101, 1001)
    assert (line["request_id"], line["path"]) == ("mine-1", "/rooms/7")
    assert "hunter2" not in str(line)


async def test_a_page_of_another_origin_opens_no_websocket(chat: FastAPI) -> None:
    headers = [(b"host", b"test"), (b"origin", b"https://evil.example")]

    assert problem(await websocket(chat, "/rooms/7", headers=headers))[0] == 403


@pytest.mark.usefixtures("cage")
async def test_a_fault_of_the_database_closes_the_socket(chat: FastAPI) -> None:
    *_, last = await websocket(chat, "/names", "twice\0", state=chat.state.yielded)

    assert (last["code"], last["reason"]) == (
        1008,
        "The request holds a value that cannot be stored.",
    )


async def hold(socket: WebSocket, session: Session) -> None: ...


async def user(session: ReadSession) -> None: ...


def add_directly(app: FastAPI) -> None:
    app.add_api_websocket_route("/chat", hold)


def add_by_a_router(app: FastAPI) -> None:
    router = APIRouter(prefix="/rooms", dependencies=[Depends(user)])

    @router.websocket("/{number}")
    async def room(socket: WebSocket, number: int) -> None: ...

    outer = APIRouter(prefix="/v1")
    outer.include_router(router)
    app.include_router(outer)


def add_by_a_mount(app: FastAPI) -> None:
    mounted = FastAPI()
    mounted.add_api_websocket_route("/chat", hold)
    app.mount("/mounted", mounted)


@pytest.mark.parametrize(
    ("add_route", "words"),
    [
        (add_directly, "WebSocket /chat .*hold. depends on Session"),
        (add_by_a_router, "WebSocket /v1/rooms/{number} .*room. depends on ReadSession"),
        (add_by_a_mount, "WebSocket /chat .*hold. depends on Session"),
    ],
)
async def test_a_websocket_with_a_session_does_not_start(
    engine: AsyncEngine, add_route: Callable[[FastAPI], None], words: str
) -> None:
    app = create_app(settings_for(engine.url))
    add_route(app)
    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    with pytest.raises(RouteError, match=words):
        await app.router.lifespan_context(app).__aenter__()
    await app({"type": "lifespan", "state": {}}, asyncio.Queue().get, send)

    (failed,) = said
    assert failed["type"] == "lifespan.startup.failed"
    assert re.fullmatch(f"{words}.*database.transaction.*docs/websockets.md", failed["message"])
