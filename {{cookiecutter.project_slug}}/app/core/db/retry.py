"""For a unit of work that PostgreSQL may refuse because of another one at the same time."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.db.sqlstate import sqlstate

T = TypeVar("T")

ATTEMPTS = 5
PAUSE = 0.01
"""Seconds before the second attempt, at most; twice as long before each further one."""

REFUSED = ("40001", "40P01")
"""Serialization failure, deadlock: of the two that met, the other one has gone on."""


async def retry_when_refused(database: Database, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Run ``work`` in a transaction of its own, up to five times, and return what it returned.

    Each attempt begins anew with a new session: ``work`` must take everything it reads from that.
    What it does besides, such as sending a message, it does each time.
    """
    for attempt in range(ATTEMPTS - 1):
        try:
            return await _once(database, work)
        except DBAPIError as error:
            if sqlstate(error.orig) not in REFUSED:
                raise
        # At random, or those that met would meet again; without a connection meanwhile.
        await asyncio.sleep(random.uniform(0, PAUSE * 2**attempt))  # noqa: S311 - no secret
    return await _once(database, work)


async def _once(database: Database, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    async with database.transaction() as session:
        return await work(session)
