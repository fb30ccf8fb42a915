"""Work after the response."""

import asyncio
from collections.abc import AsyncGenerator

from fastapi import BackgroundTasks
from fastapi.responses import StreamingResponse
from sqlalchemy import select, text

from app.core.db import CurrentDatabase, ReadSession, Session
from app.features.probe.models import Note
from app.features.probe.scenario import scenario, spawn


@scenario()
async def background_task_uses_the_session(session: Session, tasks: BackgroundTasks) -> None:
    async def later() -> None:
        session.add(Note(name="later"))
        await session.flush()

    tasks.add_task(later)


@scenario()
async def background_task_takes_a_transaction(
    database: CurrentDatabase, session: Session, tasks: BackgroundTasks
) -> None:
    session.add(Note(name="first"))

    async def later() -> None:
        async with database.transaction() as own:
            own.add(Note(name="later"))

    tasks.add_task(later)


@scenario()
async def background_task_fails_after_its_transaction(
    database: CurrentDatabase, tasks: BackgroundTasks
) -> None:
    async def later() -> None:
        async with database.transaction() as own:
            own.add(Note(name="later"))
        raise ValueError("too late for the client")

    tasks.add_task(later)


@scenario()
async def background_task_breaks_a_constraint(
    database: CurrentDatabase, session: Session, tasks: BackgroundTasks
) -> None:
    session.add(Note(name="same"))

    async def later() -> None:
        async with database.transaction() as own:
            own.add(Note(name="same"))

    tasks.add_task(later)


@scenario('POST /products {"name": "lamp"}', "POST")
async def stream_from_the_session(session: Session) -> StreamingResponse:
    async def names() -> AsyncGenerator[str]:
        for name in await session.scalars(text("SELECT name FROM products")):
            yield f"{name}\n"

    return StreamingResponse(names())


@scenario('POST /products {"name": "lamp"}', "POST")
async def stream_from_a_read_session(session: ReadSession) -> StreamingResponse:
    async def names() -> AsyncGenerator[str]:
        yield "name\n"
        for name in await session.scalars(text("SELECT name FROM products")):
            yield f"{name}\n"

    return StreamingResponse(names())


@scenario('POST /products {"name": "lamp"}', "POST")
async def stream_from_a_transaction_of_its_own(database: CurrentDatabase) -> StreamingResponse:
    async def names() -> AsyncGenerator[str]:
        async with database.transaction() as session:
            async for name in await session.stream_scalars(text("SELECT name FROM products")):
                yield f"{name}\n"

    return StreamingResponse(names())


@scenario()
async def stream_fails_half_way(database: CurrentDatabase) -> StreamingResponse:
    async def parts() -> AsyncGenerator[str]:
        async with database.transaction() as session:
            session.add(Note(name="half"))
            await session.flush()
            yield "half"
            raise ValueError("the other half")

    return StreamingResponse(parts())


@scenario("LEAVE")
async def client_leaves_a_stream(database: CurrentDatabase) -> StreamingResponse:
    async def parts() -> AsyncGenerator[str]:
        async with database.transaction() as session:
            session.add(Note(name="half"))
            await session.flush()
            while True:
                yield "part"
                await asyncio.sleep(0.01)

    return StreamingResponse(parts())


@scenario()
async def task_uses_the_session_after_the_request(session: Session) -> None:
    ended = asyncio.Event()

    async def later() -> None:
        await ended.wait()
        session.add(Note(name="later"))
        await session.flush()

    spawn(later())
    asyncio.get_running_loop().call_later(0.05, ended.set)


@scenario()
async def task_takes_a_transaction_after_the_request(
    database: CurrentDatabase, session: Session
) -> None:
    ended = asyncio.Event()

    async def later() -> None:
        await ended.wait()
        async with database.transaction() as own:
            own.add(Note(name="later"))

    session.add(Note(name="first"))
    spawn(later())
    asyncio.get_running_loop().call_later(0.05, ended.set)


@scenario()
async def session_after_its_block(database: CurrentDatabase) -> str:
    async with database.transaction() as session:
        session.add(Note(name="inside"))
    session.add(Note(name="outside"))
    await session.flush()
    return "flushed"


@scenario()
async def read_session_after_its_block(database: CurrentDatabase) -> list[str]:
    async with database.read() as session:
        await session.scalars(select(Note.name))
    return list(await session.scalars(select(Note.name)))


@scenario()
async def loaded_row_after_its_block(database: CurrentDatabase) -> str:
    async with database.transaction() as session:
        session.add(note := Note(name="a"))
    return f"{note.name} {note.body}"


@scenario("POST")
async def lazy_load_after_its_block(database: CurrentDatabase) -> int:
    async with database.transaction() as session:
        session.add(note := Note(name="a"))
    async with database.read() as reading:
        note = await reading.get_one(Note, note.id)
    return len(note.comments)
