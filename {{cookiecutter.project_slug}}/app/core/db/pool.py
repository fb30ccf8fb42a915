"""Connection pool with a queue at checkout."""

from collections import deque
from typing import Any

from sqlalchemy.pool import Pool
from sqlalchemy.util import await_

from app.core.db.connection_queue import ConnectionQueue
from app.core.db.scope import Block, acting_block

Record = Any  # SQLAlchemy's ConnectionPoolEntry, whose record_info is never None

READ_ONLY = "read only"
"""Key in a connection's ``info``: whether its transactions are read-only unless they say otherwise."""

HAS_STATE = "has state"
"""Key in a connection's ``info``: it may have settings, locks or tables of its last transaction."""

SPARE = 1
"""Connections that are kept for probes, beside those of requests."""

BLOCK = "block"
"""Key in a connection's ``record_info``: which block holds it."""


class ConnectionPool(Pool):
    """Keeps up to ``pool_size`` connections; more are open only while blocks are nested.

    One more is kept once a probe has needed it: when all others are in use, the next finds it idle.

    Reads run on connections whose transactions are read-only by default, so that PostgreSQL itself
    refuses a write. To switch a connection costs a round trip, so both kinds are kept.
    """

    _is_asyncio = True
    _sqla_logger_namespace = "sqlalchemy.pool.ConnectionPool"

    def __init__(
        self, creator: Any, pool_size: int = 5, timeout: float = 30.0, **options: Any
    ) -> None:
        super().__init__(creator, **options)
        self.queue = ConnectionQueue(pool_size, timeout)
        self._size = pool_size
        self._timeout = timeout
        self._total = 0
        self._idle: dict[bool, deque[Record]] = {False: deque(), True: deque()}

    def checkedout(self) -> int:
        """Return how many connections are in use."""
        return self._total - sum(map(len, self._idle.values()))

    def status(self) -> str:
        return f"{self.checkedout()} of {self._size} connections are in use"

    def dispose(self) -> None:
        for idle in self._idle.values():
            while idle:
                self._total -= 1
                idle.popleft().close()

    def recreate(self) -> "ConnectionPool":
        return type(self)(
            self._creator,
            pool_size=self._size,
            timeout=self._timeout,
            recycle=self._recycle,
            echo=self.echo,
            logging_name=self._orig_logging_name,
            reset_on_return=self._reset_on_return,
            _dispatch=self.dispatch,
            dialect=self._dialect,
        )

    def _do_get(self) -> Record:
        block = acting_block() or Block("a connection")
        if not self.queue.try_acquire(block):
            await_(self.queue.acquire(block))
        try:
            record = self._take(read_only=block.read_only)
        except BaseException:
            self.queue.release(block)
            raise
        record.record_info[BLOCK] = block
        return record

    def _take(self, *, read_only: bool) -> Record:
        # The one that was used last is the least likely to need a ping.
        if same := self._idle[read_only]:
            return same.pop()
        if self._total >= self._size and (other := self._idle[not read_only]):
            return other.pop()
        self._total += 1
        try:
            return self._create_connection()
        except BaseException:
            self._total -= 1
            raise

    def _do_return_conn(self, record: Record) -> None:
        block = record.record_info.pop(BLOCK)
        try:
            if self._total > self._size + SPARE:
                self._total -= 1
                record.close()
            else:
                self._idle[bool(record.info.get(READ_ONLY))].append(record)
        finally:
            self.queue.release(block)
