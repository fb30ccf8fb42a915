"""What a test must not leave to the next one.

State is restored. What goes on by itself (a task, a thread, a process, a connection) is ended as far
as it can be, and its test fails. What a fixture of a wider scope sets or starts stays until its end.
"""

import asyncio
import gc
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from contextvars import Context, ContextVar
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import QueuePool
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.pool import ConnectionPool
from tests.harness.state import LOOPS, STATES

GRACE = 0.5
"""Seconds for what is about to end anyway."""

POOLED = ("uvloop_", "asyncio_", "AnyIO worker thread")
"""Names of the threads that asyncio.to_thread() and Starlette keep for the next call."""

ENGINES: list[AsyncEngine] = []
"""The engines whose connections tests share."""

IN_TEST = ContextVar("in a test", default=False)
"""Tells a test's tasks from those of a fixture, a server for instance that accepts a connection."""

_children: int | None = None
with suppress(OSError):  # Linux only
    _children = os.open(f"/proc/{os.getpid()}/task/{os.getpid()}/children", os.O_RDONLY)


class Kind(NamedTuple):
    """One kind of what goes on by itself."""

    read: Callable[[], set[Any]]
    end: Callable[[set[Any]], str]
    """Wait shortly, end what is left, and say what that was; nothing if nothing is left."""


def _read_tasks() -> set[asyncio.Task[Any]]:
    loops = [loop for loop in LOOPS if not loop.is_closed()]
    return {task for loop in loops for task in asyncio.all_tasks(loop)}


def _end_tasks(tasks: set[asyncio.Task[Any]]) -> str:
    left = [task for task in tasks if _is_of_test(task) and not _is_done(task, within=0)]
    for task in left:
        task.cancel()
        _is_done(task, within=GRACE)
    return _list("these tasks go on: await them", [f"{t.get_name()}: {t.get_coro()}" for t in left])


def _is_of_test(task: asyncio.Task[Any]) -> bool:
    # Task.get_context() came with Python 3.12.
    contexts = [held for held in gc.get_referents(task) if isinstance(held, Context)]
    return any(context.get(IN_TEST) for context in contexts)


def _is_done(task: asyncio.Task[Any], within: float) -> bool:
    task.get_loop().run_until_complete(asyncio.wait({task}, timeout=within))
    return task.done()


def _read_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if not thread.name.startswith(POOLED)}


def _end_threads(threads: set[threading.Thread]) -> str:
    gc.collect()  # a pool of threads that is out of reach ends
    until = time.monotonic() + GRACE
    for thread in threads:
        thread.join(max(0, until - time.monotonic()))
    left = [thread.name for thread in threads if thread.is_alive()]
    return _list("these threads go on: join them", left)


def _read_processes() -> set[int]:
    return set() if _children is None else {*map(int, os.pread(_children, 65536, 0).split())}


def _end_processes(processes: set[int]) -> str:
    until = time.monotonic() + GRACE
    while (left := [*filter(_runs, processes)]) and time.monotonic() < until:
        time.sleep(0.01)
    names = [f"{process} {_command(process)}" for process in left]
    for process in left:
        os.kill(process, signal.SIGKILL)
    return _list("these processes go on: wait for them", names)


def _runs(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return False
    return not status.rpartition(")")[2].startswith(" Z")  # ended, and its parent has not asked yet


def _command(process: int) -> str:
    command = Path(f"/proc/{process}/cmdline").read_text(encoding="utf-8", errors="replace")
    return command.replace("\0", " ").strip()


def _read_engines() -> set[AsyncEngine]:
    return {engine for engine in ENGINES if _pool(engine).checkedout()}


def _end_connections(engines: set[AsyncEngine]) -> str:
    return _say_connections(sum(map(_drop_connections, engines)))


def _say_connections(count: int) -> str:
    said = f"{count} connection(s) are still in use: open them with `async with`."
    return said if count else ""


def check_no_connection_left(engine: AsyncEngine) -> None:
    """Fail if a connection was taken from the pool and not given back."""
    if left := _say_connections(_drop_connections(engine)):
        pytest.fail(f"The test has ended, and {left}", pytrace=False)


def _drop_connections(engine: AsyncEngine) -> int:
    left = _pool(engine).checkedout()
    if left:
        with warnings.catch_warnings(action="ignore"):
            gc.collect()  # or the pool complains of it during a later test
        engine.sync_engine.dispose(close=False)  # a new pool, for the tests to come
    return left


def _pool(engine: AsyncEngine) -> QueuePool | ConnectionPool:
    assert isinstance(engine.pool, QueuePool | ConnectionPool)
    return engine.pool


def _list(said: str, names: list[str]) -> str:
    return "\n- ".join([f"{said}.", *names]) if names else ""


KINDS = (
    Kind(_read_tasks, _end_tasks),
    Kind(_read_threads, _end_threads),
    Kind(_read_processes, _end_processes),
    Kind(_read_engines, _end_connections),
)


def _read() -> list[Any]:
    return [part.read() for part in (*STATES, *KINDS)]


class Baseline:
    """What there is when no test runs."""

    def __init__(self) -> None:
        self.parts = _read()

    def restore(self) -> str:
        """Restore it after a test; say what that test has left, if anything."""
        if _read() == self.parts:
            return ""
        said = []
        for state, before in zip(STATES, self.parts, strict=False):
            if state.read() != before:
                state.restore(before)
                said.append(state.said)
        for kind, before in zip(KINDS, self.parts[len(STATES) :], strict=True):
            if left := kind.read() - before:
                said.append(kind.end(left))
        self.parts = _read()  # what could not be ended is not the next test's
        return "\n".join(filter(None, said))

    @contextmanager
    def moved(self) -> Generator[None]:
        """Take in what changes during the block: it is not a test's."""
        before = _read()
        token = IN_TEST.set(False)
        yield
        IN_TEST.reset(token)
        self.parts = [*map(_merge, self.parts, before, _read())]


def _merge(base: Any, before: Any, after: Any) -> Any:
    """Apply the difference between the last two to the first."""
    if isinstance(base, set):
        return base | (after - before)
    if not isinstance(base, dict):
        return base if before == after else after
    changed = {key: after[key] for key in after if key not in before or before[key] != after[key]}
    kept = {key: base[key] for key in base if key in after or key not in before}
    return kept | changed
