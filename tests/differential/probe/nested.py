"""Transactions inside others, and several sessions in a request."""

import asyncio

from sqlalchemy import func, select

from app.core.db import CurrentDatabase, ReadSession, Session
from app.core.errors import ConflictError
from app.features.probe.models import Note
from app.features.probe.scenario import scenario

COUNT = select(func.count()).select_from(Note)

ONE_AFTER_THE_OTHER = "`@pytest.mark.committed`, or let one end before the other begins"


@scenario(refused=ONE_AFTER_THE_OTHER)
async def inner_commits_and_outer_raises(database: CurrentDatabase) -> None:
    """A transaction inside another one that has begun."""
    async with database.transaction() as outer:
        outer.add(Note(name="outer"))
        await outer.flush()
        async with database.transaction() as inner:
            inner.add(Note(name="inner"))
        raise ConflictError("outer")


@scenario()
async def inner_ends_before_the_first_statement_of_the_outer(database: CurrentDatabase) -> None:
    async with database.transaction() as outer:
        async with database.transaction() as inner:
            inner.add(Note(name="inner"))
        outer.add(Note(name="outer"))


@scenario()
async def inner_commits_before_an_outer_without_statements_raises(
    database: CurrentDatabase,
) -> None:
    async with database.transaction() as outer:
        async with database.transaction() as inner:
            inner.add(Note(name="inner"))
        outer.add(Note(name="outer"))
        await outer.flush()
        raise ConflictError("outer")


@scenario()
async def transactions_one_after_the_other_the_second_fails(database: CurrentDatabase) -> None:
    async with database.transaction() as first:
        first.add(Note(name="a"))
    async with database.transaction() as second:
        second.add(Note(name="b"))
        second.add(Note(name="a"))


@scenario()
async def database_error_after_a_committed_transaction(database: CurrentDatabase) -> None:
    async with database.transaction() as first:
        first.add(Note(name="a"))
    async with database.transaction() as second:
        await second.execute(select(func.set_config("lock_timeout", "1ms", True)))
        second.add(Note(name="a"))


@scenario()
async def reads_in_a_loop(database: CurrentDatabase, session: Session) -> list[int]:
    session.add(Note(name="not flushed"))
    counts = []
    for _ in range(3):
        async with database.read() as reading:
            counts.append(await reading.scalar(COUNT) or 0)
    return counts


@scenario()
async def reads_at_once(database: CurrentDatabase) -> list[int]:
    async def read() -> int:
        async with database.read() as reading:
            return await reading.scalar(COUNT) or 0

    return await asyncio.gather(*(read() for _ in range(5)))


@scenario()
async def transactions_at_once(database: CurrentDatabase) -> None:
    async def write(name: str) -> None:
        async with database.transaction() as session:
            session.add(Note(name=name))

    await asyncio.gather(*map(write, "abcde"))


@scenario()
async def one_session_in_several_tasks(session: Session) -> None:
    async def write(name: str) -> None:
        session.add(Note(name=name))
        await session.flush()

    async with asyncio.TaskGroup() as group:
        group.create_task(write("a"))


@scenario(("POST ?name=a", "POST ?name=b", "POST ?name=a", "POST ?name=c"))
async def requests_at_once(name: str, session: Session) -> None:
    session.add(Note(name=name))


@scenario()
async def session_and_then_read_session(session: Session, reading: ReadSession) -> int:
    before = await reading.scalar(COUNT)
    session.add(Note(name="a"))
    return before or 0


@scenario(refused=ONE_AFTER_THE_OTHER)
async def read_session_does_not_see_what_is_not_committed(
    reading: ReadSession, session: Session
) -> int:
    """A `ReadSession` beside what is not committed yet."""
    session.add(Note(name="a"))
    await session.flush()
    return await reading.scalar(COUNT) or 0


@scenario()
async def read_session_before_the_write(reading: ReadSession, session: Session) -> int:
    found = await reading.scalar(COUNT) or 0
    session.add(Note(name=f"number {found}"))
    await session.flush()
    return found


@scenario("POST", "POST")
async def read_in_a_second_request_sees_the_first(session: Session) -> list[str]:
    names = list(await session.scalars(select(Note.name)))
    session.add(Note(name=f"number {len(names)}"))
    return names
