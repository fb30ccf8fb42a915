"""uvicorn's protocol, with limits: what it does with bytes as they come."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from app.core.http.middleware.connection_limit import ConnectionLimit
from app.core.http.middleware.error_responses import ErrorResponses
from app.core.http.protocol import HEAD_MAX, HEADERS_MAX, Protocol

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n"


class Transport(asyncio.Transport):
    """What is written, and whether the connection is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.unsent = 0
        self.end = ""
        self.ended = asyncio.Event()

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None:
        self.end = self.end or "closed"
        self.ended.set()

    def abort(self) -> None:
        self.end = "aborted"
        self.ended.set()

    def is_closing(self) -> bool:
        return bool(self.end)

    def status(self) -> int:
        return int(self.written.split()[1])


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("served")(scope, receive, send)


@pytest.fixture
def state() -> ServerState:
    return ServerState()


async def connect(state: ServerState, **options: Any) -> tuple[Protocol, Transport]:
    app = ErrorResponses(ConnectionLimit(application))
    config = uvicorn.Config(app, log_config=None, proxy_headers=False, **options)
    config.load()
    protocol, transport = Protocol(config=config, server_state=state, app_state={}), Transport()
    protocol.connection_made(transport)
    return protocol, transport


async def send(protocol: Protocol, transport: Transport, parts: Iterator[bytes]) -> int:
    """Send these parts until an answer comes; return how many bytes that took."""
    sent = 0
    for part in parts:
        protocol.data_received(part)
        sent += len(part)
        if transport.is_closing():
            break
    await asyncio.gather(*protocol.tasks)
    return sent


def many_fields(count: int) -> Iterator[bytes]:
    yield REQUEST
    yield from (b"X-%d: a\r\n" % number for number in range(count - 1))
    yield b"\r\n"


def large_fields() -> Iterator[bytes]:
    yield REQUEST
    yield from (b"X-%d: %s\r\n" % (number, b"a" * 10_000) for number in range(50))


def endless(start: bytes) -> Iterator[bytes]:
    yield start
    yield from (b"a" * 10_000 for _ in range(50))


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(many_fields(HEADERS_MAX + 1), id="many fields"),
        pytest.param(large_fields(), id="large fields"),
        pytest.param(endless(REQUEST + b"X-One: "), id="a field without end"),
        pytest.param(endless(REQUEST + b"X-"), id="a name without end"),
        pytest.param(endless(b"GET /"), id="an address without end"),
        pytest.param(endless(b"G"), id="a method without end"),
    ],
)
async def test_a_head_without_end_is_refused(state: ServerState, parts: Iterator[bytes]) -> None:
    protocol, transport = await connect(state)

    sent = await send(protocol, transport, parts)

    assert transport.status() in (400, 431)
    assert b"content-type: application/problem+json" in transport.written
    assert json.loads(transport.written.partition(b"\r\n\r\n")[2])["status"] == transport.status()
    assert transport.is_closing()
    assert sent <= HEAD_MAX + 20_000


async def test_a_trailer_without_end_is_refused(state: ServerState) -> None:
    protocol, transport = await connect(state)
    start = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-One: "

    assert await send(protocol, transport, endless(start)) <= HEAD_MAX + 20_000


async def test_a_head_of_the_limit_is_served(state: ServerState) -> None:
    protocol, transport = await connect(state)

    await send(protocol, transport, many_fields(HEADERS_MAX))
    await send(protocol, transport, many_fields(HEADERS_MAX))

    assert transport.written.count(b"served") == 2


async def test_a_large_body_is_no_head(state: ServerState) -> None:
    protocol, transport = await connect(state)
    length = 50 * 10_000

    await send(protocol, transport, endless(REQUEST + b"Content-Length: %d\r\n\r\n" % length))

    assert transport.status() == 200


async def test_one_connection_too_many_is_unavailable(state: ServerState) -> None:
    await connect(state, limit_concurrency=1)
    protocol, transport = await connect(state, limit_concurrency=1)

    await send(protocol, transport, iter([REQUEST + b"\r\n"]))

    assert transport.status() == 503
    assert b"content-type: application/problem+json" in transport.written
    assert transport.end == "closed"


async def test_a_probe_is_answered_on_any_connection(state: ServerState) -> None:
    await connect(state, limit_concurrency=1)
    protocol, transport = await connect(state, limit_concurrency=1)

    await send(protocol, transport, iter([b"GET /livez HTTP/1.1\r\n\r\n"]))

    assert transport.status() == 200


@pytest.mark.parametrize(("unsent", "end"), [(0, "closed"), (1, "aborted")])
async def test_an_unused_connection_ends(state: ServerState, unsent: int, end: str) -> None:
    protocol, transport = await connect(state, timeout_keep_alive=0)
    transport.unsent = unsent

    async with asyncio.timeout(5):
        await transport.ended.wait()

    assert transport.end == end
    assert protocol.transport is transport
