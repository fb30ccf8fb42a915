"""Start a server, wait until nobody uses it any more, stop it: a process of its own."""

import fcntl
import os
import sys
from pathlib import Path

from tools.postgres import PostgresError
from tools.postgres.server import launch, remove_runtime, stop, survivor


def supervise(folder: Path, programs: Path, *, durable: bool) -> None:
    """Start the server, say ``ready`` on standard output, and stop it after its last user."""
    users_lock, own_lock = folder / "users.lock", folder / "supervisor.lock"
    # Its own lock goes first at the end: whoever gets the other one looks at it next.
    with users_lock.open("w") as users, own_lock.open("w") as own:
        fcntl.flock(own, fcntl.LOCK_EX)
        # An orphan of a supervisor that was killed is taken over: it may have users.
        pid = survivor(folder)
        try:
            if pid is None:
                pid = launch(folder, programs, durable=durable)
            _say_ready()
            fcntl.flock(users, fcntl.LOCK_EX)
            stop(pid)
        finally:
            remove_runtime(folder)


def _say_ready() -> None:
    print("ready", end="", flush=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(folder: str, programs: str, kind: str) -> int:
    try:
        supervise(Path(folder), Path(programs), durable=kind == "durable")
    except PostgresError as error:
        print(error, end="")  # to whoever started this
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
