"""Load a server over keep-alive connections, and say what it took: a process of its own.

It is told what to do in JSON on standard input, and answers so on standard output. A request is sent
when the one before it on the same connection was answered; an answer that was not expected ends it.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter
from typing import TypedDict, cast
from uuid import uuid4

UNIQUE = "<unique>"
"""Replaced in a body by something that no other request has."""


class UnexpectedAnswerError(Exception):
    """What is measured does not work; its speed is of no interest."""


class Answer(TypedDict):
    requests: int
    """All that were answered; the rest tells of those after the warm-up."""
    rate: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Load:
    """What to send, for how long; seconds, and latencies in milliseconds."""

    ports: list[int]
    paths: list[str]
    body: str | None = None
    status: int = 200
    connections: int = 32
    warm_up: float = 0.5
    seconds: float = 2.0
    rate: float | None = None
    """Requests a second of all connections together; as many as are answered, if not given."""


@dataclass
class Progress:
    """What all connections share."""

    load: Load
    finished: asyncio.Future[None]
    answered: int = 0
    latencies: list[float] = field(default_factory=list)
    began: float = field(default_factory=perf_counter)

    def record(self, sent: float) -> None:
        now = perf_counter()
        self.answered += 1
        if sent >= self.began + self.load.warm_up:
            self.latencies.append((now - sent) * 1000)

    def fail(self, reason: str) -> None:
        if not self.finished.done():
            self.finished.set_exception(UnexpectedAnswerError(reason))


class Connection(asyncio.Protocol):
    def __init__(self, progress: Progress, paths: Iterator[str]) -> None:
        self.progress = progress
        self.paths = paths
        self.buffer = b""
        self.sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self.send()

    def send(self) -> None:
        if self.progress.finished.done():
            return
        self.sent = perf_counter()
        self.transport.write(request(next(self.paths), self.progress.load.body))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        status, length = measure(self.buffer)
        if not status or len(self.buffer) < length:
            return
        if status != self.progress.load.status:
            self.progress.fail(self.buffer.decode(errors="replace"))
            return
        self.buffer = self.buffer[length:]
        self.progress.record(self.sent)
        rate = self.progress.load.rate
        if rate is None:
            self.send()
        else:
            due = self.sent + self.progress.load.connections / rate - perf_counter()
            asyncio.get_running_loop().call_later(max(0.0, due), self.send)

    def connection_lost(self, exc: Exception | None) -> None:
        self.progress.fail(f"the server closed a connection: {exc}")


def request(path: str, body: str | None) -> bytes:
    """Write a request: POST if it has a body, else GET."""
    if body is None:
        return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    content = body.replace(UNIQUE, uuid4().hex).encode()
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    ).encode() + content


def measure(buffer: bytes) -> tuple[int, int]:
    """Return a response's status and length; 0, 0 as long as its head is not complete."""
    head, end, _ = buffer.partition(b"\r\n\r\n")
    if not end:
        return 0, 0
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    length = int(rest.partition(b"\r\n")[0]) if found else 0
    return int(head[9:12]), len(head) + len(end) + length


def percentile(latencies: list[float], share: float) -> float:
    """Return the latency that this share of the requests does not exceed."""
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def run(load: Load) -> Answer:
    """Send until the time is over; what is sent in the warm-up does not count."""
    loop = asyncio.get_running_loop()
    progress = Progress(load, loop.create_future())
    paths = cycle(load.paths)
    connections = [
        await loop.create_connection(lambda: Connection(progress, paths), "127.0.0.1", port)
        for _, port in zip(range(load.connections), cycle(load.ports), strict=False)
    ]
    try:
        async with asyncio.timeout(load.warm_up + load.seconds):
            await progress.finished
    except TimeoutError:
        progress.finished.cancel()
    finally:
        for transport, _ in connections:
            transport.abort()
    if not progress.latencies:
        raise UnexpectedAnswerError("there was no answer in time")
    return Answer(
        requests=progress.answered,
        rate=len(progress.latencies) / load.seconds,
        p50=percentile(progress.latencies, 0.50),
        p99=percentile(progress.latencies, 0.99),
    )


def main() -> None:
    import uvloop  # noqa: PLC0415 - the tests of this file have none

    try:
        print(json.dumps(uvloop.run(run(Load(**json.load(sys.stdin))))))
    except (OSError, UnexpectedAnswerError) as error:
        sys.exit(f"The load was not answered as it should be: {error}")


if __name__ == "__main__":
    main()
