"""A unit of work that PostgreSQL refused is done again, if it asks for that."""

import asyncio

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import CurrentDatabase, get_database, retry
from app.core.db.retry import ATTEMPTS, retry_when_refused
from tests.fixtures.canaries import Canary, add, count, create_table, make_app
from tests.harness.clients import client_of
from tests.harness.committed import Committed
from tests.harness.isolated import Isolated


def refuse(state: str) -> str:
    return f"DO $$ BEGIN RAISE 'refused' USING ERRCODE = '{state}'; END $$"


class Work:
    """Adds a canary, and is refused the first few times."""

    def __init__(self, refusals: int, state: str = "40001") -> None:
        self.refusals = refusals
        self.state = state
        self.attempts = 0

    async def __call__(self, session: AsyncSession) -> int:
        self.attempts += 1
        await add(session, f"attempt {self.attempts}")
        if self.attempts <= self.refusals:
            await session.execute(text(refuse(self.state)))
        return self.attempts


@pytest.mark.usefixtures("cage")
@pytest.mark.parametrize("state", ["40001", "40P01"])
async def test_what_was_refused_is_done_again_and_once(
    database: Isolated, session: AsyncSession, state: str
) -> None:
    result = await retry_when_refused(database, Work(2, state))

    assert result == 3
    assert (await session.scalars(select(Canary.name))).all() == ["attempt 3"]


@pytest.mark.usefixtures("cage")
async def test_another_error_is_not_tried_again(database: Isolated) -> None:
    work = Work(1, "23514")

    with pytest.raises(DBAPIError):
        await retry_when_refused(database, work)

    assert work.attempts == 1


@pytest.mark.usefixtures("cage")
async def test_what_is_always_refused_is_unavailable_in_the_end(
    database: Isolated, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "PAUSE", 0)
    work = Work(1000)
    app = make_app()
    app.dependency_overrides[get_database] = lambda: database

    @app.post("/always")
    async def always(database: CurrentDatabase) -> None:
        await retry_when_refused(database, work)

    async with client_of(app) as client:
        response = await client.post("/always")

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert work.attempts == ATTEMPTS
    assert await count(session) == 0


@pytest.mark.committed
async def test_two_that_meet_in_earnest_both_get_through(database: Committed) -> None:
    await create_table(database.engine)
    async with database.transaction() as session:
        await add(session, "counter")
    met = asyncio.Barrier(2)
    attempts = 0

    async def append(session: AsyncSession) -> None:
        nonlocal attempts
        attempts += 1
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        name = await session.scalar(select(Canary.name))
        if attempts <= 2:
            await met.wait()
        await session.execute(update(Canary).values(name=f"{name}+"))

    await asyncio.gather(*(retry_when_refused(database, append) for _ in range(2)))

    async with database.session() as session:
        assert await session.scalar(select(Canary.name)) == "counter++"
    assert attempts == 3
