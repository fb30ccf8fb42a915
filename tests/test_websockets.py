"""The WebSocket of docs/websockets.md is written, tested and served; clients that misuse it harm no other."""

import base64
import http.client
import os
import re
import socket
import struct
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest

from tests.served import Service, serving
from tests.workshop import run_tests

pytestmark = pytest.mark.heavy

BLOCK = re.compile(r"```python\n# (\S+)\n(.*?)```", re.DOTALL)

POOL = 10

STREAM = """
from collections.abc import AsyncGenerator

from fastapi import APIRouter, WebSocket
from fastapi.responses import StreamingResponse
from sqlalchemy import text

from app.core.db import CurrentDatabase

router = APIRouter(prefix="/export")


@router.get("")
async def export(database: CurrentDatabase) -> StreamingResponse:
    async def rows() -> AsyncGenerator[str]:
        query = text("SELECT repeat('x', 1000) FROM generate_series(1, 1000000)")
        async with database.transaction() as session:
            async for row in await session.stream_scalars(query):
                yield row

    return StreamingResponse(rows())


@router.websocket("/bug")
async def fail(socket: WebSocket) -> None:
    await socket.accept()
    raise RuntimeError
"""


@pytest.fixture
def rooms(workshop: Path) -> Path:
    """A project with the feature of the page, its tests, and an export that is streamed."""
    page = (workshop / "docs/websockets.md").read_text(encoding="utf-8")
    blocks = BLOCK.findall(page)
    assert len(blocks) == 3
    for name, code in [*blocks, ("app/features/export/router.py", STREAM)]:
        file = workshop / name
        file.parent.mkdir(exist_ok=True)
        if name.startswith("app"):
            (file.parent / "__init__.py").touch()
        file.write_text(code, encoding="utf-8")
    return workshop


def test_the_page_is_right(rooms: Path, installed: Path, server: str) -> None:
    result = run_tests(rooms, installed, server, "tests", "-k", "test_rooms")

    assert result.returncode == 0, result.stdout + result.stderr
    assert " 4 passed" in result.stdout


@pytest.fixture
def service(rooms: Path, installed: Path, database: str, tmp_path: Path) -> Generator[Service]:
    settings = {"SEND_TIMEOUT": "1", "DATABASE_POOL_SIZE": str(POOL), "MAX_BODY_SIZE": "1000"}
    with serving(rooms, installed, tmp_path / "log", database, **settings) as service:
        yield service


class Client:
    """A WebSocket, as it is on the wire."""

    def __init__(self, service: Service, path: str, *headers: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", service.port), timeout=20)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            *(f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket"),
            *("Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"),
            *headers,
        ]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.response = http.client.HTTPResponse(self.socket)
        self.response.begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.response.close()
        self.socket.close()

    def send(self, text: str) -> None:
        data = text.encode()
        size = (
            struct.pack("!B", len(data)) if len(data) < 126 else struct.pack("!BH", 126, len(data))
        )
        mask = bytes(4)
        self.socket.sendall(b"\x81" + bytes([size[0] | 0x80]) + size[1:] + mask + data)

    def close_code(self) -> int:
        """Read to the end, and return the code of the close frame; 1006 if there is none."""
        received = b""
        while part := self.socket.recv(65_536):
            received += part
            if received[:1] == b"\x88":
                return int(struct.unpack("!H", received[2:4])[0])
        return 1006


def test_each_error_is_heard_and_logged(service: Service) -> None:
    with (
        Client(service, "/rooms/none?token=hunter2") as refused,
        Client(service, "/rooms/products", "Origin: https://evil.example") as foreign,
        Client(service, "/rooms/products?token=hunter2") as invalid,
        Client(service, "/export/bug?token=hunter2", "X-Request-ID: mine") as bug,
        Client(service, "/rooms/products") as large,
    ):
        invalid.send("no product")
        large.send("x" * 1001)

        assert (refused.response.status, foreign.response.status) == (404, 403)
        assert refused.response.getheader("content-type") == "application/problem+json"
        assert (bug.response.status, bug.response.getheader("x-request-id")) == (101, "mine")
        codes = [client.close_code() for client in (invalid, bug, large)]
    assert codes == [1008, 1011, 1009]
    service.stop()
    log = service.log()
    assert "hunter2" not in str(log)
    sockets = [(line["status"], line["code"]) for line in log if line["event"] == "websocket"]
    accepted = [(101, code) for code in codes]
    assert sorted(sockets, key=str) == sorted([*accepted, (403, None), (404, None)], key=str)
    assert [line["request_id"] for line in log if "exception" in line] == ["mine"]


def test_a_stop_closes_open_sockets(service: Service) -> None:
    with Client(service, "/rooms/products") as client:
        status = service.stop()

        assert (status, client.close_code()) == (0, 1012)


def stalled(service: Service) -> int:
    """Count the clients that the service has given up."""
    return sum(line["event"] == "stalled_client" for line in service.log())


def test_idle_sockets_and_stalled_readers_take_no_connection(service: Service) -> None:
    with ExitStack() as stack:
        for _ in range(POOL):
            stack.enter_context(Client(service, "/rooms/products"))
            reader = stack.enter_context(socket.socket())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", service.port))
            reader.sendall(b"GET /export HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            reader.recv(500)
        deadline = time.monotonic() + 15  # SEND_TIMEOUT is a second; a busy machine takes longer
        while stalled(service) < POOL and time.monotonic() < deadline:
            time.sleep(0.1)
        with ThreadPoolExecutor(POOL) as pool:
            answers = list(pool.map(service.get, ["/products", "/readyz"] * POOL))

    assert {answer.status for answer in answers} == {200}
    assert stalled(service) == POOL
