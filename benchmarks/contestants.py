"""Who is measured: the project, the limits above and below it, and what a user would pick instead."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryFile

import psutil

from benchmarks.project import INSIDE, Project, Server, environment

TIMEOUT = 20.0
"""Seconds to start."""


@dataclass(frozen=True)
class Contestant:
    name: str
    python: Path
    folder: Path
    module: str
    """What ``python -m`` serves; and a statement that imports the application and makes it."""
    make: str
    variables: Callable[[Server], dict[str, str]]
    """How it is told its database."""
    prefix: str = ""
    """What stands before each path of its API."""
    live: str = "/livez"


@dataclass(frozen=True)
class Running:
    contestant: Contestant
    process: psutil.Process
    port: int
    started_in: float
    """Seconds until it answered first."""

    def memory(self) -> float:
        """Return its resident memory, in MiB."""
        resident: int = self.process.memory_info().rss
        return resident / 2**20

    def processor_time(self) -> float:
        """Return the seconds that it has computed."""
        times = self.process.cpu_times()
        computed: float = times.user + times.system
        return computed

    def path(self, path: str) -> str:
        return self.contestant.live if path == "/livez" else self.contestant.prefix + path


def of_project(project: Project, database: str) -> Contestant:
    """Return the project as it runs in production."""
    return Contestant(
        "project",
        project.python,
        project.folder,
        "app",
        "from app.main import create_app; create_app()",
        lambda server: {
            "DATABASE_URL": server.dsn(database),
            "ENVIRONMENT": "production",
            "ALLOWED_HOSTS": "*",
        },
    )


def bare(project: Project, database: str) -> list[Contestant]:
    """Return the limits, with the packages of the project."""
    return [
        Contestant(
            name,
            project.python,
            INSIDE,
            f"uvicorn {module}:app --no-access-log --log-level warning",
            f"import {module}",
            lambda server: {
                "DSN": server.dsn(database),
                "DATABASE_URL": server.dsn(database, "postgresql+asyncpg"),
            },
        )
        for name, module in (("L1", "bare_asyncpg"), ("L2", "bare_sqlalchemy"))
    ]


@contextmanager
def running(contestant: Contestant, server: Server) -> Generator[Running]:
    """Run one process of a contestant, and stop it when the block ends."""
    port = _free_port()
    variables = contestant.variables(server)
    arguments = contestant.module.split()
    if arguments[0] == "uvicorn":
        arguments += ["--port", str(port)]
    with TemporaryFile() as log:
        began = time.perf_counter()
        process = psutil.Popen(
            [contestant.python, "-m", *arguments],
            cwd=contestant.folder,
            env=environment(HOST="127.0.0.1", PORT=str(port), PEER_PORT=str(port), **variables),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            if not _answers(process, port, contestant.live):
                log.seek(0)
                sys.exit(f"{contestant.name} did not start:\n{log.read().decode()}")
            yield Running(contestant, process, port, time.perf_counter() - began)
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(TIMEOUT)


def _answers(process: psutil.Popen, port: int, path: str) -> bool:
    deadline = time.monotonic() + TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        try:
            return get(port, path) == 200
        except OSError:
            time.sleep(0.005)  # it does not listen yet
    return False


def get(port: int, *paths: str) -> int:
    """Ask for these paths one after the other, on one connection; return the last status."""
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    status = 0
    try:
        for path in paths:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            status = response.status
    finally:
        connection.close()
    return status


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
