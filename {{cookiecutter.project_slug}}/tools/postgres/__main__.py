"""Run a command with DATABASE_URL set: ``python -m tools.postgres COMMAND...``.

On a server of its own in ``.data/``, whose data stays; if DATABASE_URL is set already, as it is.
"""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
from pydantic import ValidationError

from app.settings import Settings, explain, project
from tools.postgres import ROOT, PostgresError, running, url


def run(command: list[str]) -> int:
    """Run the command with a database, and return its exit status."""
    if Settings().database_url is not None:
        return _call(command)
    with running(ROOT / ".data/dev", durable=True) as socket_folder:
        forget_libpq()
        asyncio.run(_ensure_database(socket_folder, project.name))
        os.environ["DATABASE_URL"] = url(socket_folder, project.name)
        return _call(command)


def forget_libpq() -> None:
    """Remove libpq's variables, ``PGPORT`` and the like: they are meant for another server."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]


async def _ensure_database(socket_folder: Path, name: str) -> None:
    connection = await asyncpg.connect(
        host=str(socket_folder), user="postgres", database="postgres"
    )
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
    try:
        return run(arguments)
    except (PostgresError, ValidationError) as error:
        said = explain(error) if isinstance(error, ValidationError) else error
        print(said, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
