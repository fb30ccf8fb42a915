"""Deadlines, cancelled requests and statements that fail."""

import asyncio

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.db import CurrentDatabase, ReadSession, Session
from app.features.probe.models import Note
from app.features.probe.scenario import scenario


@scenario()
async def statement_timeout(session: Session) -> None:
    session.add(Note(name="a"))
    await session.execute(text("SET LOCAL statement_timeout = '30ms'"))
    await session.execute(text("SELECT pg_sleep(5)"))


@scenario("POST", "POST /probe/short_sleep")
async def statement_timeout_ends_with_the_request(session: Session) -> None:
    await session.execute(text("SET LOCAL statement_timeout = '30ms'"))


@scenario()
async def short_sleep(session: Session) -> None:
    await session.execute(text("SELECT pg_sleep(0.1)"))


@scenario()
async def statement_timeout_is_caught(session: Session) -> str:
    try:
        async with session.begin_nested():
            await session.execute(text("SET LOCAL statement_timeout = '30ms'"))
            await session.execute(text("SELECT pg_sleep(5)"))
    except DBAPIError:
        session.add(Note(name="a"))
    return "caught"


@scenario("POST /quick/late", rows="SELECT name FROM notes")
async def request_timeout() -> None: ...


@scenario("POST /quick/late_in_a_statement", "POST /quick/early", rows="SELECT name FROM notes")
async def request_timeout_in_a_statement() -> None: ...


@scenario()
async def cancelled_by_a_timeout_of_the_route(session: Session) -> str:
    session.add(Note(name="a"))
    await session.flush()
    try:
        async with asyncio.timeout(0.05):
            await session.execute(text("SELECT pg_sleep(5)"))
    except TimeoutError:
        return "too late"
    return "in time"


@scenario()
async def cancelled_transaction(database: CurrentDatabase) -> str:
    try:
        async with asyncio.timeout(0.05), database.transaction() as session:
            session.add(Note(name="a"))
            await session.flush()
            await session.execute(text("SELECT pg_sleep(5)"))
    except TimeoutError:
        async with database.transaction() as again:
            again.add(Note(name="b"))
    return "again"


@scenario()
async def cancelled_read(database: CurrentDatabase) -> int:
    try:
        async with asyncio.timeout(0.05), database.read() as session:
            await session.execute(text("SELECT pg_sleep(5)"))
    except TimeoutError:
        async with database.read() as again:
            return await again.scalar(text("SELECT 1")) or 0
    return 0


@scenario()
async def task_group_fails(database: CurrentDatabase) -> None:
    async def write() -> None:
        async with database.transaction() as session:
            session.add(Note(name="a"))
            await session.flush()
            await asyncio.sleep(5)

    async def fail() -> None:
        await asyncio.sleep(0.02)
        raise ValueError

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        group.create_task(fail())


@scenario(refused="`@pytest.mark.committed`: the sandbox has no other connection to go on with")
async def backend_is_terminated(session: Session) -> None:
    """A connection that the server ends."""
    session.add(Note(name="a"))
    await session.flush()
    await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


@scenario()
async def error_raised_by_a_function(session: ReadSession) -> None:
    await session.execute(text("SELECT pg_advisory_unlock(7), 1 / 0"))
