"""FIFO queue in front of a connection pool."""

import asyncio
from collections import deque
from collections.abc import Callable

from app.core.db.scope import Block, Scope, current_block
from app.core.db.sqlstate import BusyError

Waiting = deque[tuple[float, Block, asyncio.Future[None]]]
"""When each has waited long enough, for which block, and what it waits for."""

REJECT_BATCH = 50
"""Waiting requests that are rejected per iteration of the loop: a thousand at once would delay those
that hold a connection."""


class ConnectionQueue:
    """Admits as many requests as the pool has connections, in the order in which they came.

    SQLAlchemy's own pool lets a newcomer overtake those that wait, who then stand last again: under
    load some wait for ever.

    A request has one place, however many sessions it opens, and only while one of them holds a
    connection. It waits only while none does: a block inside one that holds a connection gets a second
    one at once. A request that comes back goes before those that have not begun.
    """

    def __init__(self, size: int, timeout: float) -> None:
        self._free = size
        self._timeout = timeout
        self._returning: Waiting = deque()
        self._new: Waiting = deque()
        self._timer: asyncio.TimerHandle | None = None

    def try_acquire(self, block: Block) -> bool:
        """Acquire a connection for the block if nothing has to be waited for."""
        scope = block.scope
        if scope.holders or not self._free:
            return False
        self._free -= 1
        self._admit(scope)
        scope.holders.append(block)
        return True

    def _admit(self, scope: Scope) -> None:
        scope.places.add(self)
        scope.was_admitted = True

    async def acquire(self, block: Block) -> None:
        """Wait until the block may take a connection, or raise ``BusyError``."""
        scope = block.scope
        innermost = current_block() or block

        def is_around(holder: Block) -> bool:
            return holder is block or innermost.is_inside(holder)

        await self._wait_for_others(block, is_around)
        is_second = bool(scope.holders)
        scope.holders.append(block)
        try:
            if is_second:
                self.check_second(block)
            elif block.queues:
                await self._wait_for_place(block)
                self._admit(scope)
        except BaseException:
            scope.drop(block)
            raise

    def release(self, block: Block) -> None:
        """Note that the block has given its connection back."""
        block.scope.drop(block)

    def check_second(self, block: Block) -> None:
        """Raise if a block may not have a connection beside that of the block around it."""

    def leave(self) -> None:
        """Give a place to the request that has waited longest."""
        for waiting in (self._returning, self._new):
            while waiting:
                _, _, place = waiting.popleft()
                if not place.done():  # else its request was cancelled
                    place.set_result(None)
                    return
        self._free += 1

    async def _wait_for_others(self, block: Block, is_around: Callable[[Block], bool]) -> None:
        """Wait for the connections of parallel blocks: they are given back without this one's help."""
        scope = block.scope
        if all(map(is_around, scope.holders)):
            return
        try:
            async with asyncio.timeout(self._timeout):
                while not all(map(is_around, scope.holders)):
                    await scope.holder_released()
        except TimeoutError:
            raise self.busy(block) from None

    def busy(self, block: Block) -> Exception:
        """Return the error for a block that has waited too long."""
        del block
        return BusyError()

    async def _wait_for_place(self, block: Block) -> None:
        if self._free:
            self._free -= 1
            return
        loop = asyncio.get_running_loop()
        place: asyncio.Future[None] = loop.create_future()
        deadline = loop.time() + self._timeout
        waiting = self._returning if block.scope.was_admitted else self._new
        waiting.append((deadline, block, place))
        if self._timer is None:
            self._timer = loop.call_at(deadline, self._reject)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave()  # it came at the same moment
            raise

    def _reject(self) -> None:
        """Fail those whose time is up: all wait equally long, so they stand first."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for waiting in (self._returning, self._new):
            for _ in range(REJECT_BATCH):
                if not waiting or waiting[0][0] > now:
                    break
                _, block, place = waiting.popleft()
                if not place.done():
                    place.set_exception(self.busy(block))
        deadlines = [waiting[0][0] for waiting in (self._returning, self._new) if waiting]
        following = max(min(deadlines), now) if deadlines else None
        self._timer = loop.call_at(following, self._reject) if following else None
