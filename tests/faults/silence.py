"""The network between the service and its database goes silent for 20 seconds, and comes back."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from itertools import count

import pytest

from app.settings import Settings
from tests.harness.databases import Databases
from tests.harness.load import Answer, Connection
from tests.harness.proxy import Proxy
from tests.harness.service import Service, running
from tests.harness.ways import WAYS, a_read, a_write

SILENCE = 20.0
CLIENTS = 30
DEADLINE = Settings.model_fields["request_timeout"].default


@dataclass
class Line:
    """A service, the way to its database, and what it has answered with the time of each."""

    service: Service
    proxy: Proxy
    answers: list[tuple[float, Answer]] = field(default_factory=list)
    liveness: list[float] = field(default_factory=list)


@pytest.fixture
async def line(databases: Databases) -> AsyncGenerator[Line]:
    async with (
        databases.clone() as url,
        Proxy.to(url) as proxy,
        running(proxy.url, LOG_LEVEL="WARNING") as service,
    ):
        yield Line(service, proxy)


async def ask(line: Line, way: str, number: int) -> None:
    """Read, and every third time write, without end."""
    async with Connection.to(line.service.url) as connection:
        for turn in count(number):
            answer = await connection.request(*(a_read(way) if turn % 3 else a_write(way)))
            line.answers.append((time.monotonic(), answer))
            await asyncio.sleep(0.02)


async def ask_whether_it_lives(line: Line) -> None:
    async with Connection.to(line.service.url) as connection:
        while True:
            line.liveness.append((await connection.request("GET", "/livez")).seconds)
            await asyncio.sleep(0.05)


@pytest.mark.timeout(90)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("forgets", [False, True], ids=["holds-back", "forgets"])
async def test_silence_is_answered_and_healed(line: Line, way: str, forgets: bool) -> None:
    """A network that holds back delivers later; one that forgets leaves connections dead for ever."""
    clients = [asyncio.create_task(ask(line, way, number)) for number in range(CLIENTS)]
    clients.append(asyncio.create_task(ask_whether_it_lives(line)))
    await asyncio.sleep(1)
    if forgets:
        line.proxy.forget()
    line.proxy.silence()
    silent = time.monotonic()
    await asyncio.sleep(SILENCE)
    line.proxy.heal()
    healed = time.monotonic()
    await asyncio.sleep(3)
    for client in clients:
        client.cancel()
    await asyncio.wait(clients)

    during = [answer for at, answer in line.answers if silent < at < healed]
    whole_after = next(at for at, answer in line.answers if answer.status < 300 and at > healed)
    later = Counter(answer.status for at, answer in line.answers if at > healed + 1)
    slowest = max(answer.seconds for _, answer in line.answers)
    statuses = Counter(answer.status for answer in during)
    print(
        f"\nsilence ({way} routes, {'forgets' if forgets else 'holds back'}): {dict(statuses)} in {SILENCE:g} s;"
        f" slowest answer {slowest:.2f} s; first success {whole_after - healed:.3f} s after it;"
        f" from 1 s on {dict(later)}; slowest /livez {max(line.liveness) * 1000:.0f} ms"
    )

    assert statuses.keys() <= {200, 201, 503, 504}
    assert slowest < DEADLINE + 1
    assert whole_after - healed <= 1
    assert later.keys() <= {200, 201}
    assert line.service.process.returncode is None
