"""Sessions that read."""

import asyncio

from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import selectinload

from app.core.db import CurrentDatabase, ReadSession
from app.features.probe.models import Comment, Note
from app.features.probe.scenario import scenario

TWO = "SQL INSERT INTO notes (name) VALUES ('a'), ('b')"
COMMENTED = "SQL DO $$ BEGIN PERFORM write_note('a'); INSERT INTO comments VALUES (1, 'a'); END $$"


@scenario(TWO, "POST")
async def read_streams(session: ReadSession) -> list[str]:
    return [name async for name in await session.stream_scalars(select(Note.name))]


@scenario(TWO, "POST")
async def read_yields_per(session: ReadSession) -> list[str]:
    query = select(Note.name).execution_options(yield_per=1)
    return list(await session.scalars(query))


@scenario(TWO, "POST")
async def read_begins_nested(session: ReadSession) -> list[str]:
    async with session.begin_nested():
        return list(await session.scalars(select(Note.name)))


@scenario()
async def read_sets_local(session: ReadSession) -> str:
    await session.execute(text("SET LOCAL app.tenant = 'blue'"))
    return await session.scalar(text("SELECT current_setting('app.tenant', true)")) or ""


@scenario()
async def read_sets_config_for_its_transaction(session: ReadSession) -> str:
    await session.execute(select(func.set_config("app.tenant", "blue", True)))
    return await session.scalar(select(func.current_setting("app.tenant", True))) or ""


@scenario("POST", "POST")
async def read_sets_config_for_its_connection(session: ReadSession) -> str:
    before = await session.scalar(select(func.current_setting("app.tenant", True))) or ""
    await session.execute(select(func.set_config("app.tenant", "blue", False)))
    return before


@scenario()
async def read_makes_a_temporary_table(session: ReadSession) -> int:
    await session.execute(text("CREATE TEMP TABLE staging (n int) ON COMMIT DROP"))
    return await session.scalar(text("SELECT count(*) FROM staging")) or 0


@scenario()
async def read_goes_on_after_a_failed_query(session: ReadSession) -> int:
    try:
        await session.execute(text("SELECT 1 / 0"))
    except DBAPIError:
        return await session.scalar(text("SELECT 2")) or 0
    return 0


@scenario()
async def connection_of_a_read_goes_on_after_a_failed_query(session: ReadSession) -> int:
    connection = await session.connection()
    try:
        await connection.execute(text("SELECT 1 / 0"))
    except DBAPIError:
        return await connection.scalar(text("SELECT 2")) or 0
    return 0


@scenario(COMMENTED, "POST")
async def read_loads_with_selectinload(session: ReadSession) -> list[int]:
    query = select(Note).options(selectinload(Note.comments))
    return [len(note.comments) for note in await session.scalars(query)]


@scenario(COMMENTED, "POST")
async def read_loads_lazily(session: ReadSession) -> list[int]:
    return [len(note.comments) for note in await session.scalars(select(Note))]


@scenario(COMMENTED, "POST")
async def read_loads_by_run_sync(session: ReadSession) -> list[int]:
    notes = list(await session.scalars(select(Note)))
    return await session.run_sync(lambda _: [len(note.comments) for note in notes])


@scenario(COMMENTED, "POST")
async def read_keeps_its_identities(session: ReadSession) -> bool:
    comment = (await session.scalars(select(Comment))).one()
    again = await session.get(Comment, comment.id)
    note = await session.scalar(select(Note).where(Note.name == comment.note_name))
    await session.refresh(comment, ["note"])
    return comment is again and comment.note is note


@scenario(TWO, "POST")
async def reads_of_one_session_at_once(session: ReadSession) -> int:
    async def count() -> int:
        return await session.scalar(select(func.count()).select_from(Note)) or 0

    return sum(await asyncio.gather(count()))


@scenario(TWO, "POST")
async def read_sees_what_was_committed_in_between(
    session: ReadSession, database: CurrentDatabase
) -> list[int]:
    count = select(func.count()).select_from(Note)
    first = await session.scalar(count) or 0
    async with database.transaction() as writing:
        writing.add(Note(name="c"))
    return [first, await session.scalar(count) or 0]


@scenario(TWO, "POST")
async def two_results_of_one_read_session(session: ReadSession) -> list[str]:
    first = await session.scalars(select(Note.name).order_by(Note.name))
    second = await session.scalars(select(Note.name).order_by(Note.name.desc()))
    return [*first, *second]


@scenario("POST")
async def large_result(session: ReadSession) -> int:
    numbers = await session.scalars(text("SELECT generate_series(1, 100000)"))
    return sum(numbers)


@scenario("POST")
async def large_value(session: ReadSession) -> int:
    return len(await session.scalar(text("SELECT repeat('x', 20000000)")) or "")


@scenario(TWO, "POST")
async def connection_of_a_read_session(session: ReadSession) -> list[str]:
    connection = await session.connection()
    names = await connection.execute(text("SELECT name FROM notes ORDER BY name"))
    return [*names.scalars(), *await session.scalars(select(Note.name).order_by(Note.name))]


@scenario(TWO, "POST")
async def read_paginates_with_a_raw_cursor(session: ReadSession) -> list[str]:
    await session.execute(text("DECLARE names CURSOR FOR SELECT name FROM notes"))
    return list(await session.scalars(text("FETCH ALL FROM names")))
