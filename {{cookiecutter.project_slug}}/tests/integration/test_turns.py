"""Requests at once, and work beside a request, share the test's connection: a unit of work at a time."""

import asyncio

import pytest
from httpx import AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession

from tests.fixtures.canaries import add, count
from tests.harness import turns
from tests.harness.sandbox import Sandbox
from tests.harness.turns import TurnError

pytestmark = pytest.mark.usefixtures("cage")


@pytest.mark.parametrize("repetition", range(2))
async def test_requests_at_once_all_succeed_while_the_test_holds_a_savepoint(
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


async def test_work_after_the_response_takes_part(
    canary_client: AsyncClient, session: AsyncSession
) -> None:
    await asyncio.gather(*(canary_client.post(f"/canaries/{n}/background") for n in range(5)))

    assert await count(session) == 5


async def test_a_streaming_response_takes_part(canary_client: AsyncClient) -> None:
    await canary_client.post("/canaries/a")

    responses = await asyncio.gather(*(canary_client.get("/canaries") for _ in range(5)))

    assert [response.text for response in responses] == ["a\n"] * 5


async def test_a_transaction_inside_another_takes_part(
    canary_client: AsyncClient, session: AsyncSession
) -> None:
    await asyncio.gather(*(canary_client.post(f"/canaries/{n}/inside") for n in range(5)))

    assert await count(session) == 10


async def test_transactions_at_once_inside_another_take_turns(
    database: Sandbox, session: AsyncSession
) -> None:
    async def inside(name: str) -> None:
        async with database.transaction() as own:
            await add(own, name)

    async with database.transaction() as outer:
        await add(outer, "outer")
        await asyncio.gather(*(inside(f"inner {number}") for number in range(5)))

    assert await count(session) == 6


async def test_a_transaction_waits_for_those_inside_it(
    database: Sandbox, session: AsyncSession
) -> None:
    entered = asyncio.Event()

    async def inside() -> None:
        async with database.transaction() as own:
            entered.set()
            await add(own, "inner")
            await asyncio.sleep(0.01)

    async with database.transaction() as outer:
        await add(outer, "outer")
        task = asyncio.create_task(inside())
        await entered.wait()
    assert await count(session) == 2

    await task


async def test_a_task_that_outlives_a_transaction_takes_turns_of_its_own(
    database: Sandbox, session: AsyncSession
) -> None:
    ended = asyncio.Event()

    async def later() -> None:
        await ended.wait()
        async with database.transaction() as own:
            await add(own, "later")

    async with database.transaction():
        task = asyncio.create_task(later())
    ended.set()
    await task

    assert await count(session) == 1


async def test_who_waits_too_long_is_told_who_keeps_the_turn(
    database: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.05)
    entered, release = asyncio.Event(), asyncio.Event()

    async def keep() -> None:
        async with database.transaction():
            entered.set()
            await release.wait()

    async def want() -> None:
        async with database.read():
            pass

    keeping = asyncio.create_task(keep(), name="the keeper")
    await entered.wait()

    with pytest.raises(TurnError, match=r"a transaction of the keeper keeps"):
        await want()

    release.set()
    await keeping


async def test_who_waits_is_patient_with_each_that_comes_before(
    database: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.2)
    release = asyncio.Event()

    async def first() -> None:
        async with database.transaction():
            await release.wait()

    async def second() -> None:
        async with database.transaction():
            await asyncio.sleep(0.3)

    async with asyncio.TaskGroup() as group:
        for work in (first, second, second):
            group.create_task(work())
        await asyncio.sleep(0)  # each has come, and has begun to wait
        monkeypatch.setattr(turns, "PATIENCE", 60.0)
        release.set()
