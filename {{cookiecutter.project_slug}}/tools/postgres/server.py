"""One server process and its data."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tools.postgres import PostgresError
from tools.postgres.runtime import (
    SOCKET,
    make_memory_folder,
    make_socket_folder,
    reachable,
    remove_socket_folder,
)

TIMEOUT = 30.0
"""Seconds to start or stop; a server that recovers from a crash takes the longest."""

THROWAWAY = (
    # Data that may be lost with the machine's power is written several times as fast.
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",
)


def survivor(folder: Path) -> int | None:
    """Return the process of a server that is there; one on its way up or down is waited for."""
    status = folder / "data/postmaster.pid"
    deadline = time.monotonic() + TIMEOUT
    while status.exists() and time.monotonic() < deadline:
        pid = int(status.read_text().split()[0])
        if _answers(folder):
            return pid
        if not _is_alive(pid):
            # Else a process that gets the same number would keep the next server from starting.
            status.unlink()
            return None
        time.sleep(0.01)
    if status.exists():
        raise PostgresError(f"Process {status.read_text().split()[0]} holds {folder}: end it.")
    return None


def _answers(folder: Path) -> bool:
    try:
        path = Path((folder / "socket").read_text("utf-8")) / SOCKET
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
    except OSError:
        return False
    return True


def launch(folder: Path, programs: Path, *, durable: bool) -> int:
    """Start the server, and return its process when it accepts connections."""
    remove_socket_folder(folder)
    account = _account()
    runtime = make_socket_folder(folder, account)
    if account:
        programs = reachable(programs, runtime)
    options = ["listen_addresses=", f"unix_socket_directories={runtime}"]
    if not durable:
        options += [*THROWAWAY, f"clones.folder={make_memory_folder(folder, account) or ''}"]
    _prepare(folder, programs, account, durable=durable)
    try:
        return _start(folder, programs, account, options)
    except PostgresError:
        if durable:
            raise
        shutil.rmtree(folder / "data")  # a crash of the machine broke it, and it can be made again
        _prepare(folder, programs, account, durable=durable)
        return _start(folder, programs, account, options)


def _prepare(
    folder: Path, programs: Path, account: pwd.struct_passwd | None, *, durable: bool
) -> None:
    """See to it that there is data, and that these programs can read it."""
    data = folder / "data"
    if data.exists() and not _fits(data, programs):
        if durable:
            made_by = (data / "PG_VERSION").read_text().strip()
            raise PostgresError(
                f"{data} was made by PostgreSQL {made_by}, and this is another version: "
                "dump it with that one, or remove it to start empty."
            )
        shutil.rmtree(data)
    if not data.exists():
        _initialise(folder, programs, account)


def _start(
    folder: Path, programs: Path, account: pwd.struct_passwd | None, options: list[str]
) -> int:
    flags = [part for option in options for part in ("-c", option)]
    server = _run(folder / "data", [programs / "bin/postgres", *flags], account)
    _wait_until_ready(server, folder / "data")
    return server.pid


def _account() -> pwd.struct_passwd | None:
    """Return who runs the server: PostgreSQL refuses root, as which containers commonly run."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _fits(data: Path, programs: Path) -> bool:
    """Tell whether the data was made by this major version."""
    command = [programs / "bin/postgres", "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return said.split()[2].split(".")[0] == (data / "PG_VERSION").read_text().strip()


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


def stop(pid: int) -> None:
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
