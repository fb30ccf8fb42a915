"""What a test must not leave behind; the test that does is the one that fails."""

import asyncio
import gc
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import QueuePool
from sqlalchemy.ext.asyncio import AsyncEngine


@asynccontextmanager
async def no_task_left() -> AsyncGenerator[None]:
    """Fail if the block started a task that has not ended with it."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)  # a task that only has to end may do so
    left = [task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()]
    for task in left:
        task.cancel()
    if left:
        names = "\n".join(f"- {task.get_name()}: {task.get_coro()}" for task in left)
        pytest.fail(
            f"The test has ended, and these tasks go on: await them.\n{names}", pytrace=False
        )


def check_no_connection_left(engine: AsyncEngine) -> None:
    """Fail if a connection was taken from the pool and not given back."""
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    left = pool.checkedout()
    if left:
        with warnings.catch_warnings(action="ignore"):
            gc.collect()  # or the pool complains of it during a later test
        engine.sync_engine.dispose(close=False)  # a new pool, for the tests to come
        pytest.fail(
            f"The test has ended, and {left} connection(s) are still in use: "
            "open them with `async with`.",
            pytrace=False,
        )
