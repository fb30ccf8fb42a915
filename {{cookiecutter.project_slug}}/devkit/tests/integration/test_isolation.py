"""The sandbox: what the application commits is real to the test, and gone after it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from httpx import AsyncClient
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from devkit.fixtures.sample_app import Sample, add, count
from devkit.testing.queries import Queries
from devkit.testing.sandbox import Sandbox
from devkit.testing.savepoints import Savepoints

pytestmark = pytest.mark.usefixtures("sample_table")


async def driver_of(session: AsyncSession) -> asyncpg.Connection:
    driver = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    return driver


async def transact(sandbox: Sandbox, *statements: str) -> None:
    async with sandbox.transaction() as session:
        for statement in statements:
            await session.execute(text(statement))


async def roll_back(sandbox: Sandbox) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with sandbox.transaction() as session:
            await add(session, "rolled back")
            raise ZeroDivisionError


async def commit(sandbox: Sandbox) -> None:
    async with sandbox.transaction() as session:
        await add(session, "committed")


async def fail_and_then_commit(sandbox: Sandbox) -> None:
    await commit(sandbox)
    with pytest.raises(IntegrityError):
        await commit(sandbox)
    async with sandbox.transaction() as session:
        await add(session, "after the failure")


async def commit_in_the_session_of_the_test(sandbox: Sandbox) -> None:
    async with sandbox.session() as session:
        await add(session, "arranged")
        await session.rollback()
        await add(session, "arranged again")
        await session.commit()


@pytest.mark.parametrize(
    "act", [commit, roll_back, fail_and_then_commit, commit_in_the_session_of_the_test]
)
async def test_no_row_outlives_its_test(
    engine: AsyncEngine, savepoints: Savepoints, act: Callable[[Sandbox], Awaitable[None]]
) -> None:
    async with Sandbox.on(savepoints) as first_test:
        await act(first_test)

    async with Sandbox.on(savepoints) as second_test, second_test.session() as session:
        assert await count(session) == 0
    async with engine.connect() as another_connection:
        assert (await another_connection.execute(select(Sample.name))).all() == []


async def test_transaction_of_the_driver_is_a_savepoint(
    database: Sandbox, session: AsyncSession
) -> None:
    async with database.transaction() as own:
        await add(own, "kept")
        driver = await driver_of(own)
        with contextlib.suppress(ZeroDivisionError):
            async with driver.transaction():
                await driver.execute("INSERT INTO harness.samples VALUES ('undone')")
                raise ZeroDivisionError

    assert (await session.scalars(select(Sample.name))).all() == ["kept"]


async def test_statement_that_is_cancelled_undoes_only_its_transaction(
    database: Sandbox, session: AsyncSession
) -> None:
    await add(session, "arranged")
    async with database.transaction() as first:
        await add(first, "committed")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await transact(
                database, "INSERT INTO harness.samples VALUES ('late')", "SELECT pg_sleep(5)"
            )
    async with database.transaction() as third:
        await add(third, "later")

    names = (await session.scalars(select(Sample.name).order_by(Sample.name))).all()
    assert names == ["arranged", "committed", "later"]


async def test_what_the_application_commits_is_visible(
    sample_client: AsyncClient, session: AsyncSession
) -> None:
    response = await sample_client.post("/samples/a")

    assert response.status_code == 200
    assert await count(session) == 1


async def test_what_the_application_rolls_back_is_gone_and_arranged_rows_stay(
    sample_client: AsyncClient, session: AsyncSession
) -> None:
    await add(session, "arranged")
    await session.commit()

    response = await sample_client.post("/samples/a/raise")

    assert response.status_code == 409
    assert (await session.scalars(select(Sample.name))).all() == ["arranged"]


async def test_a_violation_that_is_not_handled_is_an_error_and_the_next_request_works(
    sample_client: AsyncClient, session: AsyncSession
) -> None:
    statuses = [(await sample_client.post(f"/samples/{name}")).status_code for name in "aab"]

    assert statuses == [200, 409, 200]
    assert await count(session) == 2


async def test_a_deferred_constraint_fails_the_commit_and_leaves_no_row(
    sample_client: AsyncClient, session: AsyncSession
) -> None:
    response = await sample_client.post("/samples/orphan", params={"parent": "missing"})

    assert response.status_code == 409
    assert await count(session) == 0


@pytest.mark.parametrize("repetition", range(2))
async def test_requests_at_once_succeed_beside_an_open_savepoint(
    sample_client: AsyncClient, session: AsyncSession, repetition: int
) -> None:
    await add(session, f"uncommitted {repetition}")

    async with session.begin_nested():
        await add(session, f"nested {repetition}")
        responses = await asyncio.gather(
            *(sample_client.post(f"/samples/{number}") for number in range(10)),
            *(sample_client.post(f"/samples/{number}") for number in range(10)),
            *(sample_client.get("/samples/count") for _ in range(10)),
        )

    statuses = sorted(response.status_code for response in responses)
    assert statuses == [200] * 20 + [409] * 10
    assert await count(session) == 12


async def test_a_block_is_counted_by_itself(session: AsyncSession, queries: Queries) -> None:
    await session.execute(text("SELECT 0"))

    with queries.expect(2):
        await session.execute(text("SELECT 1"))
        await session.execute(text("SELECT 2"))
