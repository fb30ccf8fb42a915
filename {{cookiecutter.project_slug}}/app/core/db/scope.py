"""Which sessions belong together: those of one request share a place in the connection queue."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class Scope:
    """What the sessions of one request have in common; outside a request, of one outermost block."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        """Of the request, for error messages."""
        self.places: set[Any] = set()
        """The connection queues in which the scope has a place, while it holds a connection."""
        self.was_admitted = False
        """Whether it has had a place before: then it goes before requests that have not begun."""
        self.holders: list[Block] = []
        """The blocks that hold a connection, or wait for the scope's place; one entry for each."""
        self.has_committed = False
        """Whether PostgreSQL has committed anything for it: then 503 would not be true any more."""
        self.has_failed = False
        """Whether the route has returned an error: then its session is rolled back."""
        self._waiting: list[asyncio.Future[None]] = []

    async def holder_released(self) -> None:
        """Wait until a block gives a connection back."""
        released = asyncio.get_running_loop().create_future()
        self._waiting.append(released)
        await released

    def drop(self, block: "Block") -> None:
        """Note that the block has given a connection back; the last gives up the scope's place."""
        self.holders.remove(block)
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()
        if not self.holders:
            for queue in self.places:
                queue.leave()
            self.places.clear()


class Block:
    """One `transaction()` or `read()` block; the blocks that are opened inside it are its children."""

    def __init__(
        self,
        name: str,
        parent: "Block | None" = None,
        *,
        read_only: bool = False,
        queues: bool = True,
    ) -> None:
        self.name = name
        self.parent = parent
        self.scope = parent.scope if parent else Scope(name)
        self.read_only = read_only
        self.queues = queues
        """Whether it waits in the connection queue; a readiness probe does not."""
        self.is_open = True
        self.may_commit = True
        """Whether a commit is the block's own; while its session is in use, it is not."""

    def is_inside(self, other: "Block") -> bool:
        """Tell whether this block is the other one, or was opened inside it."""
        block: Block | None = self
        while block is not None and block is not other:
            block = block.parent
        return block is other


_current: ContextVar[Block | None] = ContextVar("session block", default=None)
_acting: ContextVar[Block | None] = ContextVar("acting session block", default=None)


def current_block() -> Block | None:
    """Return the innermost open block; a task may have outlived the one that it was started in."""
    block = _current.get()
    while block is not None and not block.is_open:
        block = block.parent
    return block


def acting_block() -> Block | None:
    """Return the block whose session runs a statement now, or else the innermost open block."""
    return _acting.get() or current_block()


@contextmanager
def acting(block: Block | None) -> Generator[None]:
    """Say whose statement runs inside: the session of an outer block may be used in an inner one."""
    token = _acting.set(block)
    try:
        yield
    finally:
        _acting.reset(token)


@contextmanager
def request_scope(name: str) -> Generator[Scope]:
    """Make the sessions that are opened inside belong to one request."""
    root = Block(name)
    before = _current.get()
    _current.set(root)
    try:
        yield root.scope
    finally:
        root.is_open = False
        _current.set(before)


@contextmanager
def open_block(kind: str, *, read_only: bool = False, queues: bool = True) -> Generator[Block]:
    """Open a block inside the current one."""
    parent = current_block()
    name = f"{kind} of {parent.scope.name}" if parent else kind
    block = Block(name, parent, read_only=read_only, queues=queues)
    _current.set(block)
    try:
        yield block
    finally:
        block.is_open = False
        _current.set(parent)


def note_failure() -> None:
    """Note that the route has returned an error response."""
    if block := current_block():
        block.scope.has_failed = True


def has_committed() -> bool:
    """Tell whether anything was committed for the current request."""
    block = current_block()
    return block is not None and block.scope.has_committed
