"""One process at a time migrates a database; the others wait, and then find nothing left to do."""

import asyncio
import random
import time

import asyncpg
from alembic.util import CommandError

KEY = 0x6D69677261746521
"""The number of the lock; advisory locks have no names. It belongs to the database, not the server."""

WAIT = 3600.0
"""Seconds for the one whose turn it is: an index on a large table takes so long, and waiting is free."""

ORPHAN_CHECK = "1s"
"""How soon a server sees that its client was killed, and stops what it was doing for it."""


async def wait_for_turn(connection: asyncpg.Connection) -> None:
    """Take the lock, which this connection then holds until it is closed.

    By asking again and again: a process that waits inside the server has a snapshot, and CREATE INDEX
    CONCURRENTLY would wait for that, while its own process keeps the lock: a deadlock. And on the
    connection that migrates, so that a killed process keeps the lock while its last statement runs.
    """
    await connection.execute(f"SET client_connection_check_interval = '{ORPHAN_CHECK}'")
    deadline = time.monotonic() + WAIT
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", KEY):
        if time.monotonic() > deadline:
            raise CommandError(
                f"Another process has been migrating for {WAIT:.0f} s: look for a wait in"
                " pg_stat_activity, and when it is gone, run this again."
            )
        await asyncio.sleep(random.uniform(0.05, 0.2))  # noqa: S311 - so that not all ask at once
