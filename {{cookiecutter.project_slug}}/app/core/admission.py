"""The way to the pool: in the order in which units of work came, and not for longer than they wait."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from app.core.faults import BusyError


class Admission:
    """Lets in as many units of work as the pool has connections.

    Those that wait at SQLAlchemy's own pool are overtaken by whoever comes just when a connection
    is given back, and then stand last again: under load some wait for ever. A semaphore is fair.
    """

    def __init__(self, places: int, patience: float) -> None:
        self._places = asyncio.Semaphore(places)
        self._patience = patience

    @asynccontextmanager
    async def __call__(self) -> AsyncGenerator[None]:
        """Wait for a place, and keep it while the block runs; or raise ``BusyError``."""
        try:
            async with asyncio.timeout(self._patience):
                await self._places.acquire()
        except TimeoutError:
            raise BusyError from None
        try:
            yield
        finally:
            self._places.release()
