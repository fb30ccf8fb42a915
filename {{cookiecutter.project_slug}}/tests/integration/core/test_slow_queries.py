"""Slow queries, as a reader of the log sees them."""

from collections.abc import AsyncGenerator

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from app.core.db import Database
from app.core.db.database import open_database
from devkit.testing.databases import settings_for

SLOW = 0.02


@pytest.fixture
async def observed(engine: AsyncEngine) -> AsyncGenerator[Database]:
    """The application's own ``Database``, to which a statement is slow after 20 ms."""
    settings = settings_for(engine.url).model_copy(update={"database_slow_query": SLOW})
    async with open_database(settings) as database:
        yield database


async def test_a_slow_query_is_in_the_log_with_its_request_and_without_its_parameters(
    observed: Database,
) -> None:
    with (
        capture_logs([structlog.contextvars.merge_contextvars]) as lines,
        structlog.contextvars.bound_contextvars(request_id="r-1"),
    ):
        async with observed.read() as session:
            await session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": SLOW})

    (line,) = lines
    assert (line["event"], line["request_id"]) == ("slow_query", "r-1")
    assert line["statement"] == "SELECT pg_sleep($1)"
    assert line["ms"] >= SLOW * 1000


async def run_too_long(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("SET LOCAL statement_timeout = '50ms'"))
        await session.execute(text("SELECT pg_sleep(1)"))


async def test_a_slow_query_that_fails_is_in_the_log_too(observed: Database) -> None:
    with capture_logs() as lines, pytest.raises(DBAPIError):
        await run_too_long(observed)

    assert ("slow_query", "SELECT pg_sleep(1)") in [
        (line["event"], line["statement"]) for line in lines
    ]


async def test_a_fast_query_is_not_in_the_log(engine: AsyncEngine) -> None:
    with capture_logs() as lines:
        async with open_database(settings_for(engine.url)) as database, database.read() as session:
            await session.execute(text("SELECT 1"))

    assert lines == []
