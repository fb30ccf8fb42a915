"""Write the log without waiting for its reader."""

import os
import select
import stat
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from typing import TextIO

BUFFER_MAX = 10_000
"""Lines that wait for a reader; what comes after them is dropped, and counted."""

ATOMIC = select.PIPE_BUF
"""Bytes that fit wherever the system says that something fits."""

CAN_STALL = (stat.S_ISFIFO, stat.S_ISSOCK)


class Output:
    """Write lines to a stream; nothing fails, and nothing waits, for want of a log.

    A line is written at once where it fits. Where the reader of a pipe does not keep up, lines wait
    in memory, and a thread writes them.
    """

    def __init__(
        self, stream: TextIO, *, buffer_max: int = BUFFER_MAX, dropped: Callable[[int], None]
    ) -> None:
        self._stream = stream
        self._buffer_max = buffer_max
        self._say_dropped = dropped
        self._descriptor = _that_can_stall(stream)
        self._lines: deque[bytes] = deque()
        self._dropped = 0
        self._lock = Lock()
        self._thread: Thread | None = None
        self._poll = select.poll()
        if self._descriptor is not None:
            self._poll.register(self._descriptor, select.POLLOUT)

    def write(self, line: str) -> None:
        """Write the line, or let it wait for the reader."""
        if self._descriptor is None:
            with suppress(OSError, ValueError):  # the disk is full, the stream is closed
                self._stream.write(line + "\n")
            return
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            if self._thread is None and len(data) <= ATOMIC and self._fits():
                with suppress(OSError):  # the reader has gone
                    os.write(self._descriptor, data)
                    return
            self._wait(data)

    def flush(self, timeout: float) -> None:
        """Wait until the reader has all lines, for so many seconds at most."""
        deadline = time.monotonic() + timeout
        while (thread := self._thread) and time.monotonic() < deadline:
            thread.join(deadline - time.monotonic())

    def _fits(self) -> bool:
        return self._poll.poll(0) == [(self._descriptor, select.POLLOUT)]

    def _wait(self, data: bytes) -> None:
        if len(self._lines) >= self._buffer_max:
            self._dropped += 1
            return
        self._lines.append(data)
        if self._thread is None:
            self._thread = Thread(target=self._write_waiting, name="log", daemon=True)
            self._thread.start()

    def _write_waiting(self) -> None:
        while data := self._next():
            with suppress(OSError):
                _write_all(self._descriptor, data)

    def _next(self) -> bytes:
        """Return the next line; without one, the thread ends."""
        with self._lock:
            if self._lines:
                return self._lines.popleft()
            dropped, self._dropped = self._dropped, 0
            if not dropped:
                self._thread = None
                return b""
        self._say_dropped(dropped)
        return self._next()


def _that_can_stall(stream: TextIO) -> int | None:
    """Return the stream's descriptor if it leads to a reader, which may stop to read."""
    try:
        descriptor = stream.fileno()
        mode = os.fstat(descriptor).st_mode
    except (OSError, ValueError):  # it is in memory, or closed
        return None
    return descriptor if any(is_kind(mode) for is_kind in CAN_STALL) else None


def _write_all(descriptor: int | None, data: bytes) -> None:
    while data and descriptor is not None:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
