"""What a test must not leave behind; the test that does is the one that fails."""

import asyncio
import gc
import warnings
from asyncio import AbstractEventLoop
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from sqlalchemy import QueuePool
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.pool import ConnectionPool

_watched: list[AsyncEngine] = []


@contextmanager
def no_task_left(loop: AbstractEventLoop) -> Generator[None]:
    """Fail if the block started a task that has not ended with it."""
    before = asyncio.all_tasks(loop)
    yield
    left = asyncio.all_tasks(loop) - before
    for task in left:
        task.cancel()
    if left:
        names = "\n".join(f"- {task.get_name()}: {task.get_coro()}" for task in left)
        pytest.fail(
            f"The test has ended, and these tasks go on: await them.\n{names}", pytrace=False
        )


@contextmanager
def watched(engine: AsyncEngine) -> Generator[None]:
    """Let each test be asked what it left of this engine's connections, the last when the block ends."""
    _watched.append(engine)
    yield
    _watched.remove(engine)
    check_no_connection_left(engine)


def forget_all_connections() -> int:
    """Forget the connections that are still in use of all watched engines; return how many."""
    return sum(_forget_connections(engine) for engine in _watched)


def check_no_connection_left(engine: AsyncEngine) -> None:
    """Fail if a connection was taken from the pool and not given back."""
    fail_if_left(_forget_connections(engine))


def _forget_connections(engine: AsyncEngine) -> int:
    pool = engine.pool
    assert isinstance(pool, QueuePool | ConnectionPool)
    left = pool.checkedout()
    if left:
        with warnings.catch_warnings(action="ignore"):
            gc.collect()  # or the pool complains of it during a later test
        engine.sync_engine.dispose(close=False)  # a new pool, for the tests to come
    return left


def fail_if_left(connections: int) -> None:
    """Fail if this many connections, if any, were taken from a pool and not given back."""
    if connections:
        pytest.fail(
            f"The test has ended, and {connections} connection(s) are still in use: "
            "open them with `async with`.",
            pytrace=False,
        )
