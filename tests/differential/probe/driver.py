"""The driver, DDL, cursors and notifications."""

from typing import Any

import asyncpg
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Session
from app.core.errors import ConflictError
from app.features.probe.models import Note
from app.features.probe.scenario import scenario

COUNT = select(func.count()).select_from(Note)
TWO = "SQL INSERT INTO notes (name) VALUES ('a'), ('b')"


async def driver_of(session: AsyncSession) -> Any:
    """Return asyncpg's own connection."""
    return (await (await session.connection()).get_raw_connection()).driver_connection


async def copy(session: AsyncSession, *names: str) -> None:
    records = [(name,) for name in names]
    driver = await driver_of(session)
    await driver.copy_records_to_table("notes", columns=["name"], records=records)


@scenario()
async def copy_before_any_statement(session: Session) -> None:
    await copy(session, "a", "b")


@scenario()
async def copy_before_any_statement_and_raise(session: Session) -> None:
    await copy(session, "a", "b")
    raise ConflictError("copied")


@scenario()
async def copy_after_a_statement(session: Session) -> int:
    session.add(Note(name="first"))
    await session.flush()
    await copy(session, "a", "b")
    return await session.scalar(COUNT) or 0


@scenario()
async def copy_fails(session: Session) -> None:
    await copy(session, "a", "a")


@scenario()
async def copy_fails_and_is_caught(session: Session) -> str:
    session.add(Note(name="first"))
    await session.flush()
    try:
        await copy(session, "a", "a")
    except asyncpg.UniqueViolationError:
        return "caught"
    return "copied"


@scenario()
async def copy_fails_in_a_savepoint(session: Session) -> str:
    session.add(Note(name="first"))
    await session.flush()
    try:
        async with session.begin_nested():
            await copy(session, "a", "a")
    except asyncpg.UniqueViolationError:
        return "caught"
    return "copied"


@scenario()
async def driver_executes_a_script(session: Session) -> None:
    driver = await driver_of(session)
    await driver.execute("INSERT INTO notes (name) VALUES ('a'); INSERT INTO notes VALUES (7, 'b')")


@scenario()
async def driver_commits(session: Session) -> None:
    driver = await driver_of(session)
    await driver.execute("INSERT INTO notes (name) VALUES ('a')")
    await driver.execute("COMMIT")
    raise ConflictError("after the commit")


@scenario()
async def driver_transaction(session: Session) -> None:
    driver = await driver_of(session)
    async with driver.transaction():
        await driver.execute("INSERT INTO notes (name) VALUES ('a')")
    raise ConflictError("after the block")


@scenario()
async def driver_rolls_back(session: Session) -> None:
    session.add(Note(name="a"))
    await session.flush()
    driver = await driver_of(session)
    await driver.execute("ROLLBACK")
    session.add(Note(name="b"))


@scenario()
async def exec_driver_sql(session: Session) -> int:
    connection = await session.connection()
    await connection.exec_driver_sql("INSERT INTO notes (name) VALUES ($1)", ("a",))
    return await session.scalar(COUNT) or 0


@scenario(TWO, "POST")
async def transaction_streams(session: Session) -> list[str]:
    result = await session.stream_scalars(select(Note.name).order_by(Note.name))
    return [name async for name in result]


@scenario(TWO, "POST")
async def transaction_yields_per(session: Session) -> list[str]:
    query = select(Note.name).order_by(Note.name).execution_options(yield_per=1)
    return [part[0] async for part in (await session.stream_scalars(query)).partitions()]


@scenario(TWO, "POST")
async def stream_is_left_half_way(session: Session) -> str:
    async for name in await session.stream_scalars(select(Note.name).order_by(Note.name)):
        return name
    return ""


@scenario(TWO, "POST")
async def cursor_by_hand(session: Session) -> list[str]:
    await session.execute(text("DECLARE names CURSOR FOR SELECT name FROM notes ORDER BY name"))
    return list(await session.scalars(text("FETCH ALL FROM names")))


@scenario(TWO, "POST")
async def cursor_with_hold(session: Session) -> None:
    await session.execute(text("DECLARE names CURSOR WITH HOLD FOR SELECT name FROM notes"))


@scenario("POST", "POST", after="DROP TABLE IF EXISTS made")
async def table_is_created_once(session: Session) -> int:
    await session.execute(text("CREATE TABLE IF NOT EXISTS made (n int)"))
    await session.execute(text("INSERT INTO made VALUES (1)"))
    return await session.scalar(text("SELECT count(*) FROM made")) or 0


@scenario(after="DROP TABLE IF EXISTS made")
async def table_of_a_request_that_fails(session: Session) -> None:
    await session.execute(text("CREATE TABLE made (n int)"))
    raise ConflictError("made")


@scenario(
    TWO,
    "POST /probe/columns",
    "POST",
    "POST /probe/columns",
    after="ALTER TABLE notes DROP COLUMN IF EXISTS added",
)
async def column_is_added_between_requests(session: Session) -> None:
    await session.execute(text("ALTER TABLE notes ADD COLUMN added int"))


@scenario(TWO, "POST")
async def columns(session: Session) -> list[str]:
    result = await session.execute(text("SELECT * FROM notes ORDER BY name"))
    return list(result.keys())


@scenario(
    "POST /probe/columns_in_a_second_statement",
    "SQL ALTER TABLE notes ADD COLUMN added int",
    "POST /probe/columns_in_a_second_statement",
    "POST /probe/columns_in_a_second_statement",
    after="ALTER TABLE notes DROP COLUMN IF EXISTS added",
    path="/probe/columns_in_a_second_statement",
)
async def stale_plan_in_a_second_statement() -> None: ...


@scenario()
async def columns_in_a_second_statement(session: Session) -> list[str]:
    await session.execute(text("SELECT 1"))
    return list((await session.execute(text("SELECT * FROM notes"))).keys())


@scenario(after="ALTER TABLE notes DROP COLUMN IF EXISTS added")
async def column_is_added_and_selected(session: Session) -> list[str]:
    await session.execute(text("INSERT INTO notes (name) VALUES ('a')"))
    before = (await session.execute(text("SELECT * FROM notes"))).keys()
    await session.execute(text("ALTER TABLE notes ADD COLUMN added int"))
    try:
        async with session.begin_nested():
            return [*before, *(await session.execute(text("SELECT * FROM notes"))).keys()]
    except DBAPIError as error:
        return [*before, type(error.orig).__name__]


@scenario(
    refused="`@pytest.mark.committed`: notifications are sent at the end of a real transaction"
)
async def notify(session: Session) -> None:
    """`NOTIFY` and `pg_notify`."""
    await session.execute(text("NOTIFY news, 'lamp'"))


@scenario()
async def listen(session: Session) -> None:
    await session.execute(text("LISTEN news"))


@scenario(refused="`@pytest.mark.committed`: a savepoint has another number")
async def transaction_id(session: Session) -> bool:
    """The number of a transaction: `pg_current_xact_id()`, `txid_current()`."""
    first = await session.scalar(text("SELECT pg_current_xact_id()::text"))
    return first == await session.scalar(text("SELECT txid_current()::text"))


@scenario()
async def concurrent_index(session: Session) -> None:
    await session.execute(text("CREATE INDEX CONCURRENTLY added ON notes (body)"))


@scenario()
async def vacuum(session: Session) -> None:
    await session.execute(text("VACUUM notes"))


@scenario()
async def prepared_transaction(session: Session) -> None:
    await session.execute(text("PREPARE TRANSACTION 'a'"))


@scenario()
async def prepared_statement(session: Session) -> None:
    await session.execute(text("PREPARE numbers AS SELECT 1"))


@scenario("POST", rows="SELECT count(*) FROM notes")
async def many_rows_by_copy(session: Session) -> None:
    await copy(session, *map(str, range(10_000)))


@scenario(TWO, "POST")
async def truncate(session: Session) -> None:
    await session.execute(text("TRUNCATE notes CASCADE"))


@scenario()
async def backend_of_two_statements(session: Session) -> bool:
    pid = text("SELECT pg_backend_pid()")
    return await session.scalar(pid) == await session.scalar(pid)
