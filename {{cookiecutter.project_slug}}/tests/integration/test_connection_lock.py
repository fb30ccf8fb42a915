"""The sandbox has one connection: requests at once wait for each other, and nested ones are refused."""

import asyncio

import pytest
from httpx import AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.scope import Block, open_block
from tests.fixtures.canaries import add, count
from tests.harness.connection_lock import ConnectionLock, SandboxError
from tests.harness.sandbox import Sandbox

pytestmark = pytest.mark.usefixtures("cage")


@pytest.mark.parametrize("repetition", range(2))
async def test_requests_at_once_succeed_beside_an_open_savepoint(
    canary_client: AsyncClient, session: AsyncSession, repetition: int
) -> None:
    await add(session, f"uncommitted {repetition}")

    async with session.begin_nested():
        await add(session, f"nested {repetition}")
        responses = await asyncio.gather(
            *(canary_client.post(f"/canaries/{number}") for number in range(10)),
            *(canary_client.post(f"/canaries/{number}") for number in range(10)),
            *(canary_client.get("/canaries/count") for _ in range(10)),
        )

    statuses = sorted(response.status_code for response in responses)
    assert statuses == [200] * 20 + [409] * 10
    assert await count(session) == 12


async def test_background_tasks_take_part(
    canary_client: AsyncClient, session: AsyncSession
) -> None:
    await asyncio.gather(*(canary_client.post(f"/canaries/{n}/background") for n in range(5)))

    assert await count(session) == 5


async def test_streaming_responses_take_part(canary_client: AsyncClient) -> None:
    await canary_client.post("/canaries/a")

    responses = await asyncio.gather(*(canary_client.get("/canaries") for _ in range(5)))

    assert [response.text for response in responses] == ["a\n"] * 5


async def test_transaction_inside_another_is_refused(
    canary_client: AsyncClient, database: Sandbox
) -> None:
    with pytest.raises(SandboxError, match=r"needs a second connection.*pytest.mark.committed"):
        await canary_client.post("/canaries/a/inside")

    database.savepoints.lock.refused = None  # or the test would fail at its end


@pytest.mark.committed
@pytest.mark.usefixtures("committed_cage")
async def test_transaction_inside_another_commits_on_its_own(
    canary_client: AsyncClient, session: AsyncSession
) -> None:
    response = await canary_client.post("/canaries/a/inside", params={"fails": True})

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
