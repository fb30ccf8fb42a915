"""``@pytest.mark.committed``: what only real commits on real connections can show."""

import asyncio
import contextlib

import asyncpg
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.aborted import AbortedTransactionError
from tests.fixtures.canaries import Canary, add, count, create_table
from tests.harness.committed import Committed

pytestmark = pytest.mark.committed


@pytest.fixture
async def cage(database: Committed) -> None:
    await create_table(database.engine)


async def driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    return driver


@pytest.mark.usefixtures("cage")
async def test_one_of_two_writers_of_the_same_key_loses(database: Committed) -> None:
    async def write() -> None:
        async with database.transaction() as session:
            await add(session, "a")

    results = await asyncio.gather(write(), write(), return_exceptions=True)

    assert [type(result) for result in results if result is not None] == [IntegrityError]
    async with database.session() as session:
        assert await count(session) == 1


@pytest.mark.usefixtures("cage")
async def test_a_commit_after_a_caught_failure_is_an_error(
    database: Committed,
) -> None:
    async def catch_a_violation() -> None:
        async with database.transaction() as session:
            await add(session, "a")
            with contextlib.suppress(IntegrityError):
                await add(session, "a")

    with pytest.raises(AbortedTransactionError):
        await catch_a_violation()

    async with database.transaction() as session:  # a savepoint would have kept it
        await add(session, "a")
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                await add(session, "a")
    async with database.session() as session:
        assert await count(session) == 1


@pytest.mark.usefixtures("cage")
@pytest.mark.parametrize(("locked", "survivors"), [(False, 1), (True, 2)])
async def test_a_lost_update_is_seen_and_a_row_lock_prevents_it(
    database: Committed, locked: bool, survivors: int
) -> None:
    async with database.transaction() as session:
        await add(session, "counter")
    both_read = asyncio.Barrier(2)

    async def append(letter: str) -> None:
        async with database.transaction() as session:
            query = select(Canary.name)
            name = await session.scalar(query.with_for_update() if locked else query)
            if not locked:
                await both_read.wait()
            await session.execute(update(Canary).values(name=f"{name}{letter}"))

    await asyncio.gather(append("a"), append("b"))

    async with database.session() as session:
        name = await session.scalar(select(Canary.name))
        assert name is not None
        assert len(name) == len("counter") + survivors


async def test_a_notification_arrives_on_commit(database: Committed) -> None:
    arrived = asyncio.Event()
    async with database.engine.connect() as connection:
        driver = await driver_of(connection)
        await driver.add_listener("news", lambda *_: arrived.set())

        async with database.transaction() as session:
            await session.execute(text("NOTIFY news"))
            assert not arrived.is_set()

        async with asyncio.timeout(5):
            await arrived.wait()
        await driver.remove_listener("news", lambda *_: arrived.set())


async def test_an_advisory_lock_excludes_another_connection(database: Committed) -> None:
    lock = select(text("pg_try_advisory_xact_lock(1)"))
    async with database.transaction() as first, database.transaction() as second:
        assert await first.scalar(lock) is True
        assert await second.scalar(lock) is False


@pytest.mark.parametrize("run", ["first", "second"])
@pytest.mark.usefixtures("cage")
async def test_each_test_has_a_database_of_its_own(database: Committed, run: str) -> None:
    async with database.transaction() as session:
        await add(session, run)

    async with database.session() as session:
        assert await count(session) == 1
