"""Unit tests reach nothing outside their process."""

import asyncio
import socket
from typing import NoReturn

import pytest
import uvloop

LOOP_METHODS = ("create_connection", "create_unix_connection", "create_server", "getaddrinfo")


def refuse(*_: object, **__: object) -> NoReturn:
    pytest.fail("A unit test opened a socket: move it to tests/integration.", pytrace=False)


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    for method in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, method, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for loop in (uvloop.Loop, asyncio.SelectorEventLoop):
        for method in LOOP_METHODS:
            monkeypatch.setattr(loop, method, refuse)
