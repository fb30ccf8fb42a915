"""PostgreSQL servers of other kinds than the one that a baked project starts."""

import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.served import free_port, wait_until

PROJECT_NEEDS = 18


def older_programs() -> Path:
    """Return the folder of the programs of a PostgreSQL that is too old for a baked project."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    old = [path.parent for path in found if int(path.parts[4]) < PROJECT_NEEDS]
    # Not skipped: a test that does not run would say that the promise is kept.
    assert old, "install an older PostgreSQL: apt-get install postgresql"
    return old[-1]


@contextmanager
def older_server(folder: Path, *options: str, before_start: str = "") -> Generator[str]:
    """Own a server on TCP for as long as the block runs; give the URL of its superuser."""
    programs, data, port = older_programs(), folder / "data", free_port()
    # The package makes the account; PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    data.mkdir(mode=0o700)
    if user:
        shutil.chown(data, user, user)
    initdb = [programs / "initdb", "-D", data, "--username=postgres", "--auth=trust", "--no-sync"]
    subprocess.run(initdb, user=user, capture_output=True, check=True)
    if before_start:
        subprocess.run(["sh", "-ec", before_start], cwd=data, user=user, check=True)
    settings = [f"unix_socket_directories={folder}", f"port={port}", *options]
    flags = [part for setting in settings for part in ("-c", setting)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, *flags], user=user, stdout=log, stderr=log
        )
    try:
        is_ready = [programs / "pg_isready", "--quiet", "--host=127.0.0.1", f"--port={port}"]
        wait_until(
            lambda: subprocess.run(is_ready, check=False).returncode == 0, f"a server: {folder}/log"
        )
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        process.kill()
        process.wait()
