"""Two clients of the scenarios, in process and over the network, and the log that goes with each."""

import asyncio
import json
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.harness.service import Service

BROKEN_OFF = b" (broken off)"
ERROR = re.compile(r"^((?:\w+\.)*\w*(?:Error|Exception|Group)\w*)(?::|$)", re.MULTILINE)
"""The line of a traceback that names the exception."""

LEVELS = ("warning", "error", "critical")
TIMEOUT = 10.0
"""Seconds for what takes milliseconds."""


class Client(ABC):
    """Sends what a step says."""

    http: httpx.AsyncClient

    async def do(self, path: str, step: str) -> Any:
        method, _, rest = step.partition(" ")
        if method == "SOCKET":
            return await self.talk(path, rest.split())
        if method == "LEAVE":
            return await self.leave(path)
        target, _, body = rest.partition(" ")
        url = target if target.startswith("/") else path + target
        return await self.ask(method, url, json.loads(body) if body else None)

    async def ask(self, method: str, url: str, body: Any) -> Any:
        content = b""
        async with self.http.stream(method, url, json=body) as response:
            try:
                async for part in response.aiter_raw():
                    content += part
            except httpx.TransportError:
                content += BROKEN_OFF
        with suppress(ValueError):
            return response.status_code, json.loads(content)
        return response.status_code, content.decode()

    async def settle(self) -> Any:
        """Wait until what goes on after the response has ended."""
        return (await self.http.get("/probe/settle")).json()

    @abstractmethod
    async def talk(self, path: str, messages: list[str]) -> list[str]:
        """Send each message on a WebSocket; return the answers, and the code that closed it."""

    @abstractmethod
    async def leave(self, path: str) -> str:
        """Leave after the first part of the response, and return that."""


class Finished:
    """Ends a response that an exception has cut short, so that a client can tell."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        unfinished = False

        async def noting(message: Message) -> None:
            nonlocal unfinished
            unfinished = message.get("more_body", message["type"] == "http.response.start")
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception:
            if not unfinished:
                raise  # the transport knows what to do
            await send({"type": "http.response.body", "body": BROKEN_OFF})


class InProcess(Client):
    """The client of the fixture ``client``, and a driver for what httpx cannot do."""

    def __init__(self, client: httpx.AsyncClient, app: FastAPI) -> None:
        transport: Any = client._transport
        transport.raise_app_exceptions = False  # as a server does
        self.asgi: ASGIApp = transport.app  # with the state of the lifespan
        transport.app = Finished(transport.app)
        self.http, self.app = client, app

    async def run(
        self, path: str, kind: str, received: "asyncio.Queue[Message]", send: Send
    ) -> None:
        scope: Scope = {
            "type": kind,
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "ws" if kind == "websocket" else "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"test")],
            "client": ("127.0.0.1", 1),
            "server": ("test", 80),
            "subprotocols": [],
            "extensions": {},
        }
        with suppress(Exception):  # a server logs it
            await self.asgi(scope, received.get, send)
            return
        await send({"type": "websocket.close", "code": 1006})

    async def talk(self, path: str, messages: list[str]) -> list[str]:
        received: asyncio.Queue[Message] = asyncio.Queue()
        sent: asyncio.Queue[Message] = asyncio.Queue()
        received.put_nowait({"type": "websocket.connect"})

        async def send(message: Message) -> None:
            if message["type"].startswith("websocket.http.response"):
                raise RuntimeError(message["type"])  # as a server does after it has accepted
            await sent.put(message)

        task = asyncio.create_task(self.run(path, "websocket", received, send))
        answers: list[str] = []
        async with asyncio.timeout(TIMEOUT):
            await sent.get()  # accepted
            for message in messages:
                received.put_nowait({"type": "websocket.receive", "text": message})
                answer = await sent.get()
                if answer["type"] == "websocket.close":
                    answers.append(str(answer.get("code", 1000)))
                    break
                answers.append(answer["text"])
            received.put_nowait({"type": "websocket.disconnect", "code": 1000})
            await task
        return answers

    async def leave(self, path: str) -> str:
        received: asyncio.Queue[Message] = asyncio.Queue()
        first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        gone = asyncio.Event()

        async def send(message: Message) -> None:
            if message.get("body") and not first.done():
                first.set_result(message["body"])
                received.put_nowait({"type": "http.disconnect"})
                gone.set()

        received.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        async with asyncio.timeout(TIMEOUT):
            await self.run(path, "http", received, send)
        return first.result().decode()


class Served(Client):
    """A client of the server process."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.url = service.url
        # The server closes a connection whose request has failed after its response.
        limits = httpx.Limits(max_keepalive_connections=0)
        options: dict[str, Any] = {"base_url": self.url, "trust_env": False, "limits": limits}
        self.http = httpx.AsyncClient(timeout=TIMEOUT, **options)
        self.expected = self.ended()

    def ended(self) -> int:
        """Return how many requests have ended, with what they do after their response."""
        return self.service.log().count('"event": "request"')

    async def ask(self, method: str, url: str, body: Any) -> Any:
        self.expected += 1
        return await super().ask(method, url, body)

    async def settle(self) -> Any:
        async with asyncio.timeout(TIMEOUT):
            while self.ended() < self.expected:
                await asyncio.sleep(0.005)
        self.expected += 1
        return await super().settle()

    async def talk(self, path: str, messages: list[str]) -> list[str]:
        answers: list[str] = []
        with suppress(ConnectionClosed):
            async with asyncio.timeout(TIMEOUT), connect(f"ws{self.url[4:]}{path}") as socket:
                for message in messages:
                    try:
                        await socket.send(message)
                        answers.append(str(await socket.recv()))
                    except ConnectionClosed as closed:
                        answers.append(str(closed.rcvd.code if closed.rcvd else 1006))
                        break
        return answers

    async def leave(self, path: str) -> str:
        self.expected += 1
        async with self.http.stream("POST", path) as response:
            return await anext(response.aiter_text())


class Log:
    """The log of this process; of what is a warning or worse, level and event are compared."""

    @contextmanager
    def capturing(self) -> Generator[list[str]]:
        events: list[str] = []

        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if record.levelname.lower() in LEVELS:
                    events.append(f"{record.levelname.lower()} {record.getMessage()}")

        handler = Handler()
        logging.getLogger().addHandler(handler)
        try:
            with structlog.testing.capture_logs([structlog.processors.format_exc_info]) as lines:
                yield events
        finally:
            logging.getLogger().removeHandler(handler)
        events += shown(lines, "log_level")


class ServedLog(Log):
    """The log of the server process."""

    def _complete(self) -> str:
        """Return its complete lines; the last one may be half written."""
        log = self._service.log()
        return log[: log.rfind("\n") + 1]

    def __init__(self, service: Service) -> None:
        self._service = service

    @contextmanager
    def capturing(self) -> Generator[list[str]]:
        begin, events = len(self._complete()), []
        yield events
        lines = map(json.loads, self._complete()[begin:].splitlines())
        events += shown(lines, "level")


def shown(lines: Iterable[Any], level: str) -> Generator[str]:
    """Yield each event, with the type of its exception; how slow a query was is chance."""
    for line in lines:
        if line[level] in LEVELS and line["event"] != "slow_query":
            errors = ERROR.findall(line.get("exception", ""))
            yield " ".join([line[level], line["event"], *errors[-1:]])
