"""The way to the pool: in the order in which units of work came, and none waits for too long."""

import asyncio
from collections import deque

from app.core.db.sqlstate import BusyError

AT_ONCE = 50
"""So many are turned away in one turn of the loop: a thousand would hold up those that have a place."""


class Admission:
    """Lets in as many units of work as the pool has connections.

    Those that wait at SQLAlchemy's own pool are overtaken by whoever comes just when a connection
    is given back, and then stand last again: under load some wait for ever.
    """

    def __init__(self, places: int, patience: float) -> None:
        self._free = places
        self._patience = patience
        self._queue: deque[tuple[float, asyncio.Future[None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> None:
        """Wait for a place, and keep it while the block runs; or raise ``BusyError``."""
        if self._free:
            self._free -= 1
        else:
            await self._wait()

    async def __aexit__(self, *_: object) -> None:
        self._hand_on()

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        deadline = loop.time() + self._patience
        self._queue.append((deadline, turn))
        if self._timer is None:
            self._timer = loop.call_at(deadline, self._turn_away)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._hand_on()  # it came at the same moment
            raise

    def _hand_on(self) -> None:
        while self._queue:
            _, turn = self._queue.popleft()
            if not turn.done():  # else its request was cancelled
                turn.set_result(None)
                return
        self._free += 1

    def _turn_away(self) -> None:
        """Fail those whose time is up: all wait equally long, so they stand first."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for _ in range(AT_ONCE):
            if not self._queue or self._queue[0][0] > now:
                break
            _, turn = self._queue.popleft()
            if not turn.done():
                turn.set_exception(BusyError())
        following = max(self._queue[0][0], now) if self._queue else None
        self._timer = loop.call_at(following, self._turn_away) if following else None
