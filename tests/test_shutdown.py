"""Stopped or killed under load, the service loses nothing that it said yes to."""

import http.client
import itertools
import random
import signal
import threading
import time
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.served import Answer, Service, ask, send, serving

pytestmark = pytest.mark.heavy

TIMES = 20
RATE = 50
"""Requests a second."""

SLOW = (
    "CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN PERFORM pg_sleep(0.1); RETURN NEW; END'",
    "CREATE TRIGGER slow BEFORE INSERT ON products FOR EACH ROW EXECUTE FUNCTION be_slow()",
)
"""So that five requests are in flight whenever the signal comes."""

GONE = (OSError, http.client.HTTPException)


class Load:
    """Clients that write at a steady rate, half of them on connections that they keep."""

    def __init__(self, service: Service, prefix: str) -> None:
        self.service = service
        self.sent: list[Future[Answer]] = []
        self.enough = threading.Event()
        self._prefix = prefix
        self._of_thread = threading.local()
        self._kept: list[http.client.HTTPConnection] = []

    @contextmanager
    def running(self) -> Generator[None]:
        with ThreadPoolExecutor(64) as pool:
            sender = pool.submit(self._send_steadily, pool)
            try:
                yield
            finally:
                self.enough.set()
                sender.result()
        for connection in self._kept:
            connection.close()

    def _send_steadily(self, pool: ThreadPoolExecutor) -> None:
        for number in itertools.count():
            if self.enough.wait(1 / RATE):
                return
            write = self._write_kept if number % 2 else self._write
            self.sent.append(pool.submit(write, f"{self._prefix} {number}"))

    def _write(self, name: str) -> Answer:
        with closing(self.service.connect()) as connection:
            return send(connection, "POST", "/products", {"name": name})

    def _write_kept(self, name: str) -> Answer:
        if not hasattr(self._of_thread, "connection"):
            self._of_thread.connection = self.service.connect()
            self._kept.append(self._of_thread.connection)
        return send(self._of_thread.connection, "POST", "/products", {"name": name})

    def answers(self) -> list[Answer]:
        """What was answered; a request that was not counts as dropped."""
        return [sent.result() for sent in self.sent if not isinstance(sent.exception(), GONE)]

    def dropped(self) -> list[str]:
        return [repr(sent.exception()) for sent in self.sent if sent.exception()]


def stop_sending_when_not_ready(load: Load) -> None:
    """Do what a load balancer does: ask every 50 ms, and send no more to who is not ready."""
    while load.service.get("/readyz").status == 200:
        time.sleep(0.05)
    load.enough.set()


def stored(installed: Path, url: str) -> set[str]:
    return {str(row[0]) for row in ask(installed, url, "SELECT id FROM products")}


BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def test_a_service_that_is_stopped_under_load_drops_and_loses_nothing(
    installed: Path, database: str, tmp_path: Path
) -> None:
    ask(installed, database, *SLOW)
    acknowledged: set[str] = set()
    for time_ in range(TIMES):
        with serving(
            installed, installed, tmp_path / "log", database, SHUTDOWN_DRAIN="1"
        ) as service:
            load = Load(service, f"stop {time_}")
            with load.running():
                time.sleep(random.uniform(0.5, 1))  # noqa: S311 - at whatever it is doing
                service.process.send_signal(signal.SIGTERM)
                stop_sending_when_not_ready(load)
            status = service.process.wait(timeout=30)
        answers = load.answers()
        acknowledged |= {answer.json()["id"] for answer in answers if answer.status == 201}

        assert load.dropped() == []
        assert {answer.status for answer in answers} == {201}
        assert status == 0
        assert not [line for line in service.log() if line["level"] in ("error", "critical")]

    assert stored(installed, database) == acknowledged
    assert ask(installed, database, BACKENDS) == [[0]]
    print(f"stopped {TIMES} times: {len(acknowledged)} writes, 0 dropped, 0 lost")


def test_a_service_that_is_killed_loses_nothing_that_it_said_yes_to(
    installed: Path, database: str, tmp_path: Path
) -> None:
    acknowledged: set[str] = set()
    dropped = 0
    for time_ in range(TIMES):
        with serving(installed, installed, tmp_path / "log", database) as service:
            load = Load(service, f"kill {time_}")
            with load.running():
                time.sleep(random.uniform(0.2, 0.7))  # noqa: S311 - at whatever it is doing
                service.stop(signal.SIGKILL)
        acknowledged |= {answer.json()["id"] for answer in load.answers() if answer.status == 201}
        dropped += len(load.dropped())

    assert acknowledged <= stored(installed, database)
    assert acknowledged
    print(f"killed {TIMES} times: {len(acknowledged)} acknowledged, {dropped} not, 0 lost")
