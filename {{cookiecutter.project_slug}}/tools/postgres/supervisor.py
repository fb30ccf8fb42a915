"""Start a server, wait until nobody uses it any more, stop it: a process of its own."""

import contextlib
import fcntl
import os
import sys
from pathlib import Path

from tools.postgres import PostgresError, try_lock
from tools.postgres.runtime import remove_folders
from tools.postgres.server import launch, stop, survivor


def supervise(folder: Path, programs: Path, *, durable: bool) -> None:
    """Start the server, say ``ready`` on standard output, stop the server after its last user."""
    users_lock, own_lock = folder / "users.lock", folder / "supervisor.lock"
    # Its own lock goes first at the end: whoever gets the other one looks at it next.
    with users_lock.open("w") as users, own_lock.open("w") as own:
        if not try_lock(own, fcntl.LOCK_EX):
            _say("busy")  # another one, whose starter was killed, is at it
            return
        (folder / "ready").unlink(missing_ok=True)  # of a supervisor that was killed
        try:
            # An orphan of such a supervisor is taken over: it may have users.
            pid = survivor(folder) or launch(folder, programs, durable=durable)
        except BaseException:
            remove_folders(folder)
            raise
        try:
            (folder / "ready").touch()
            _say("ready")
            fcntl.flock(users, fcntl.LOCK_EX)
        finally:
            (folder / "ready").unlink(missing_ok=True)
            stop(pid)
            remove_folders(folder)


def _say(word: str) -> None:
    """Answer whoever started this, who may have been killed, and close that line."""
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), word.encode())
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(folder: str, programs: str, kind: str) -> int:
    try:
        supervise(Path(folder), Path(programs), durable=kind == "durable")
    except PostgresError as error:
        _say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
