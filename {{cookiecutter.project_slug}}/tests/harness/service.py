"""The service as it runs in production: ``python -m app`` in a process of its own."""

import asyncio
import os
import re
import socket
import ssl
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

import pytest
from httpx import AsyncClient, TransportError
from sqlalchemy import URL

from app.settings import ROOT

TIMEOUT = 15.0
"""Seconds to start, and to stop."""

INHERITED = re.compile(r"PATH|(COVERAGE|DYLD|LD|NIX)_\w+")
"""The variables that the process gets from the test run; all others are named."""

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that speak no TLS: httpx would read all those of the world, for 20 ms a client."""


@dataclass(frozen=True)
class Service:
    """A running service, and what it has said so far."""

    url: str
    process: Process
    _log: IO[bytes]

    def client(self, timeout: float = 5) -> AsyncClient:
        return AsyncClient(
            base_url=self.url, trust_env=False, verify=NO_CERTIFICATES, timeout=timeout
        )

    def log(self) -> str:
        # Without moving to where it stands: the process writes there, it is the same open file.
        descriptor = self._log.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode()


RUNNING: list[Service] = []
"""Those of this run; what they have said is shown when an end-to-end test fails."""


@asynccontextmanager
async def running(
    database: URL, *, until: str = "/readyz", **settings: str
) -> AsyncGenerator[Service]:
    """Run the service on this database, with production's settings unless others are given.

    The block begins when ``until`` answers with success.
    """
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if INHERITED.fullmatch(name)},
        "ENVIRONMENT": "production",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": database.render_as_string(hide_password=False),
        **settings,
    }
    with TemporaryFile() as log, project_without_env_file(ROOT) as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.harness.leash", sys.executable, "-m", "app"),
            cwd=folder,
            env=environment,
            stdin=PIPE,  # the leash
            stdout=log,
            stderr=log,
        )
        service = Service(f"http://127.0.0.1:{port}", process, log)
        RUNNING.append(service)
        try:
            if not await _becomes_ready(service, until):
                pytest.fail(
                    f"The server did not become ready. It said:\n{service.log()}", pytrace=False
                )
            yield service
        finally:
            RUNNING.remove(service)
            if process.returncode is None:
                process.terminate()
            async with asyncio.timeout(TIMEOUT):
                await process.wait()


@contextmanager
def project_without_env_file(root: Path) -> Generator[Path]:
    """Make a folder that holds what the project does, apart from the developer's ``.env``."""
    with TemporaryDirectory() as name:
        for path in root.iterdir():
            if not path.name.startswith(".env"):
                Path(name, path.name).symlink_to(path)
        yield Path(name)


async def _becomes_ready(service: Service, path: str) -> bool:
    deadline = time.monotonic() + TIMEOUT
    async with service.client() as client:
        while service.process.returncode is None and time.monotonic() < deadline:
            try:
                if (await client.get(path)).is_success:
                    return True
            except TransportError:
                pass  # it does not listen yet
            await asyncio.sleep(0.02)
    return False


async def eventually(ask: Callable[[], Awaitable[bool]], within: float) -> None:
    """Ask until the answer is yes; fail after so many seconds."""
    deadline = time.monotonic() + within
    while not await ask():
        if time.monotonic() > deadline:
            pytest.fail(f"Not within {within:g} s: {ask}")
        await asyncio.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
