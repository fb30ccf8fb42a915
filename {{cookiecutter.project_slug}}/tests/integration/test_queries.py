"""``queries`` counts SQL, and shows what it saw."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from tests.harness.queries import Queries


async def test_a_block_is_counted_by_itself(session: AsyncSession, queries: Queries) -> None:
    await session.execute(text("SELECT 0"))

    with queries.expect(2):
        await session.execute(text("SELECT 1"))
        await session.execute(text("SELECT 2"))


async def test_what_ran_is_shown_when_the_count_is_wrong(
    session: AsyncSession, queries: Queries
) -> None:
    with (
        pytest.raises(pytest.fail.Exception, match=r"expected 2 queries, saw 1:\n1\. SELECT 'me'"),
        queries.expect(2),
    ):
        await session.execute(text("SELECT 'me'"))


async def test_the_savepoints_of_the_sandbox_are_not_counted(
    database: Database, queries: Queries
) -> None:
    with queries.expect(1):
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))
