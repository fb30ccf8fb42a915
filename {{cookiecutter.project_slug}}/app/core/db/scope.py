"""Which sessions belong together: those of one request share a place in the connection queue."""

import asyncio
from contextvars import ContextVar
from typing import Any


class Scope:
    """What the sessions of one request have in common; outside a request, of one outermost block."""

    __slots__ = (
        "_waiting",
        "has_committed",
        "has_failed",
        "holders",
        "name",
        "places",
        "was_admitted",
    )

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

    __slots__ = ("is_open", "may_commit", "name", "parent", "queues", "read_only", "scope")

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
ACTING: ContextVar[Block | None] = ContextVar("acting session block", default=None)
"""The block whose session runs a statement now."""

# Classes, because each is entered with every request or statement, and a generator's context manager
# costs four times as much.


def current_block() -> Block | None:
    """Return the innermost open block; a task may have outlived the one that it was started in."""
    block = _current.get()
    while block is not None and not block.is_open:
        block = block.parent
    return block


def acting_block() -> Block | None:
    """Return the block whose session runs a statement now, or else the innermost open block."""
    return ACTING.get() or current_block()


class acting:  # noqa: N801 - a context manager, used like a function
    """Say whose statement runs inside: the session of an outer block may be used in an inner one."""

    __slots__ = ("_block", "_token")

    def __init__(self, block: Block | None) -> None:
        self._block = block

    def __enter__(self) -> None:
        self._token = ACTING.set(self._block)

    def __exit__(self, *_: object) -> None:
        ACTING.reset(self._token)


class request_scope:  # noqa: N801 - likewise
    """Make the sessions that are opened inside belong to one request."""

    __slots__ = ("_before", "_root")

    def __init__(self, name: str) -> None:
        self._root = Block(name)

    def __enter__(self) -> Scope:
        self._before = _current.get()
        _current.set(self._root)
        return self._root.scope

    def __exit__(self, *_: object) -> None:
        self._root.is_open = False
        _current.set(self._before)


class open_block:  # noqa: N801 - likewise
    """Open a block inside the current one."""

    __slots__ = ("_block", "_kind", "_options", "_parent")

    def __init__(self, kind: str, **options: bool) -> None:
        self._kind = kind
        self._options = options

    def __enter__(self) -> Block:
        self._parent = parent = current_block()
        name = f"{self._kind} of {parent.scope.name}" if parent else self._kind
        self._block = Block(name, parent, **self._options)
        _current.set(self._block)
        return self._block

    def __exit__(self, *_: object) -> None:
        self._block.is_open = False
        _current.set(self._parent)


def note_failure() -> None:
    """Note that the route has returned an error response."""
    if block := current_block():
        block.scope.has_failed = True


def has_committed() -> bool:
    """Tell whether anything was committed for the current request."""
    block = current_block()
    return block is not None and block.scope.has_committed
