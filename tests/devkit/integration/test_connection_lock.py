"""The sandbox has one connection: requests at once wait for each other, and nested ones are refused."""

import asyncio

import pytest
from httpx import AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.scope import Block, open_block
from devkit.fixtures.sample_app import add, count
from devkit.testing.connection_lock import ConnectionLock, SandboxError
from devkit.testing.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("sample_table")


async def test_background_tasks_take_part(
    sample_client: AsyncClient, session: AsyncSession
) -> None:
    await asyncio.gather(*(sample_client.post(f"/samples/{n}/background") for n in range(5)))

    assert await count(session) == 5


async def test_streaming_responses_take_part(sample_client: AsyncClient) -> None:
    await sample_client.post("/samples/a")

    responses = await asyncio.gather(*(sample_client.get("/samples") for _ in range(5)))

    assert [response.text for response in responses] == ["a\n"] * 5


async def test_transaction_inside_another_is_refused(
    sample_client: AsyncClient, database: Sandbox
) -> None:
    with pytest.raises(SandboxError, match=r"needs a second connection.*pytest.mark.committed"):
        await sample_client.post("/samples/a/inside")

    database.savepoints.lock.refused = None  # or the test would fail at its end


@pytest.mark.committed
@pytest.mark.usefixtures("committed_sample_table")
async def test_transaction_inside_another_commits_on_its_own(
    sample_client: AsyncClient, session: AsyncSession
) -> None:
    response = await sample_client.post("/samples/a/inside", params={"fails": True})

    assert response.status_code == 409
    assert await count(session) == 1


async def test_task_that_outlives_a_transaction_has_its_own(
    database: Sandbox, session: AsyncSession
) -> None:
    ended = asyncio.Event()

    async def later() -> None:
        await ended.wait()
        async with database.transaction() as own:
            await add(own, "later")

    async with database.transaction() as outer:
        await add(outer, "outer")
        task = asyncio.create_task(later())
    ended.set()
    await task

    assert await count(session) == 2


async def test_block_that_waits_too_long_is_told_who_holds_the_connection() -> None:
    lock = ConnectionLock(timeout=0.01)
    lock.holder = Block("a transaction of GET /slow")
    await lock.acquire(lock.holder)

    with open_block("a read") as block, pytest.raises(SandboxError, match="of GET /slow holds"):
        await lock.acquire(block)
