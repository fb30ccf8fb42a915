"""Units of work, one at a time: they share a connection, and a connection does one thing at a time.

Each waits until the one before has committed or rolled back. A unit that is opened inside another
one (a service that opens a transaction of its own) takes its turn inside that.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import structlog

PATIENCE = 2.0
"""Seconds that one unit may keep others waiting; it takes milliseconds, so more is a deadlock."""


class TurnError(Exception):
    """A unit of work did not get its turn; the message names the one that kept it."""


class Unit:
    """One unit of work on the connection; inside it, others can take turns."""

    def __init__(self, name: str, parent: "Unit | None" = None) -> None:
        self.name = name
        self.parent = parent
        self.is_open = True
        self._turn = asyncio.Lock()
        self._holder: Unit | None = None
        self._waiting: set[asyncio.Timeout] = set()

    async def enter(self, unit: "Unit") -> None:
        if self._turn.locked() or self._waiting:
            await self._wait(unit)
        else:
            await self._turn.acquire()  # at once: it is free, and nobody was here before
        self._holder = unit

    async def _wait(self, unit: "Unit") -> None:
        try:
            async with asyncio.timeout(PATIENCE) as patience:
                self._waiting.add(patience)
                await self._turn.acquire()
        except TimeoutError:
            holder = self._holder.name if self._holder else "nobody"
            raise TurnError(
                f"{unit.name} waited {PATIENCE:g} s for the test's only connection, which "
                f"{holder} keeps. If both must run at once, mark the test with "
                "@pytest.mark.committed."
            ) from None
        finally:
            self._waiting.discard(patience)

    def leave(self) -> None:
        self._holder = None
        self._turn.release()
        # Many in a queue are no deadlock: who waits is patient with each before them.
        until = asyncio.get_running_loop().time() + PATIENCE
        for patience in self._waiting:
            if not patience.expired():
                patience.reschedule(until)

    async def close(self) -> None:
        """Wait for what still runs inside: its savepoint goes with this one's."""
        await self.enter(self)
        self.is_open = False
        self.leave()


_current: ContextVar[Unit | None] = ContextVar("unit of work", default=None)


class Turns:
    """The turns of one test."""

    def __init__(self) -> None:
        self._root = Unit("the test")

    @asynccontextmanager
    async def take(self, what: str) -> AsyncGenerator[Unit]:
        """Keep the connection for one unit of work; close that before its savepoint goes."""
        parent = self._enclosing()
        unit = Unit(_describe(what), parent)
        await parent.enter(unit)
        _current.set(unit)
        try:
            yield unit
        finally:
            unit.is_open = False
            _current.set(parent)
            parent.leave()

    async def close(self) -> None:
        """Wait for the unit that still runs, if one does."""
        await self._root.close()

    def _enclosing(self) -> Unit:
        """Return the unit that the caller runs in; a task may have outlived the one it began in."""
        unit = _current.get()
        while unit and not (unit.is_open and self._owns(unit)):
            unit = unit.parent
        return unit or self._root

    def _owns(self, unit: Unit) -> bool:
        while unit.parent:
            unit = unit.parent
        return unit is self._root


def _describe(what: str) -> str:
    """Name a unit for whoever waits for it: by its request, or else by its task."""
    known = structlog.contextvars.get_contextvars()
    if "path" in known:
        return f"{what} of {known['method']} {known['path']}"
    task = asyncio.current_task()
    return f"{what} of {task.get_name() if task else 'no task'}"
