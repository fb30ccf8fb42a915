"""Methods of a session."""

from typing import Any

from sqlalchemy import event, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.core.db import CurrentDatabase, Session
from app.core.errors import ConflictError
from app.features.probe.models import Comment, Note
from app.features.probe.scenario import scenario

ONE = "SQL INSERT INTO notes (name) VALUES ('a')"
BODIES = "SELECT name, body FROM notes ORDER BY name"
BY_NAME = select(Note.name).order_by(Note.name)


@scenario()
async def route_commits(session: Session) -> None:
    session.add(Note(name="a"))
    await session.commit()


@scenario()
async def route_begins(session: Session) -> None:
    async with session.begin():
        session.add(Note(name="a"))


@scenario()
async def route_closes(session: Session) -> None:
    session.add(Note(name="a"))
    await session.flush()
    await session.close()


@scenario()
async def route_closes_and_goes_on(session: Session) -> None:
    await session.close()
    session.add(Note(name="a"))


@scenario()
async def route_resets(session: Session) -> None:
    session.add(Note(name="a"))
    await session.flush()
    await session.reset()
    session.add(Note(name="b"))


@scenario()
async def route_invalidates(session: Session) -> None:
    session.add(Note(name="a"))
    await session.flush()
    await session.invalidate()


@scenario()
async def route_leaves_the_block_of_the_session(session: Session) -> str:
    async with session:
        session.add(Note(name="a"))
    return "left"


@scenario()
async def commit_by_text(session: Session) -> None:
    session.add(Note(name="a"))
    await session.flush()
    await session.execute(text("COMMIT"))


@scenario()
async def rollback_by_text(session: Session) -> None:
    session.add(Note(name="a"))
    await session.flush()
    await session.execute(text("ROLLBACK"))


@scenario()
async def savepoint_by_text(session: Session) -> None:
    session.add(Note(name="a"))
    await session.flush()
    await session.execute(text("SAVEPOINT mine"))
    await session.execute(text("INSERT INTO notes (name) VALUES ('b')"))
    await session.execute(text("ROLLBACK TO SAVEPOINT mine"))


@scenario()
async def savepoint_by_text_is_released(session: Session) -> None:
    await session.execute(text("SAVEPOINT mine"))
    await session.execute(text("INSERT INTO notes (name) VALUES ('b')"))
    await session.execute(text("RELEASE SAVEPOINT mine"))


@scenario()
async def commit_by_the_connection(session: Session) -> None:
    session.add(Note(name="a"))
    connection = await session.connection()
    await connection.commit()


@scenario()
async def commit_by_run_sync(session: Session) -> None:
    session.add(Note(name="a"))
    await session.run_sync(lambda sync: sync.commit())


@scenario()
async def begin_nested_twice(session: Session) -> None:
    async with session.begin_nested():
        session.add(Note(name="outer"))
        nested = await session.begin_nested()
        session.add(Note(name="inner"))
        await session.flush()
        await nested.rollback()


@scenario()
async def begin_nested_is_not_ended(session: Session) -> None:
    await session.begin_nested()
    session.add(Note(name="a"))


@scenario(ONE, "POST", rows=BODIES)
async def object_is_changed(session: Session) -> None:
    note = await session.scalar(select(Note))
    assert note is not None
    note.body = "changed"


@scenario(ONE, "POST", rows=BODIES)
async def object_is_merged(session: Session) -> str:
    note = await session.scalar(select(Note))
    assert note is not None
    session.expunge(note)
    note.body = "merged"
    return (await session.merge(note)).body


@scenario(ONE, "POST", rows=BODIES)
async def object_is_refreshed(session: Session) -> list[str]:
    note = await session.scalar(select(Note))
    assert note is not None
    await session.execute(
        update(Note).values(body="changed").execution_options(synchronize_session=False)
    )
    before = note.body
    await session.refresh(note)
    return [before, note.body]


@scenario(ONE, "POST")
async def object_is_deleted(session: Session) -> None:
    await session.delete(await session.scalar(select(Note)))


@scenario(ONE, "POST")
async def identity_is_one(session: Session) -> bool:
    note = await session.scalar(select(Note))
    assert note is not None
    return await session.get(Note, note.id) is note


@scenario(ONE, "POST")
async def row_that_was_deleted_by_another_transaction(
    session: Session, database: CurrentDatabase
) -> str:
    async with database.transaction() as other:
        await other.execute(text("DELETE FROM notes"))
    return str(await session.scalar(BY_NAME))


@scenario(rows="SELECT note_name FROM comments")
async def related_objects_are_added(session: Session) -> int:
    note = Note(name="a", comments=[Comment(), Comment()])
    session.add(note)
    await session.flush()
    loaded = await session.scalar(
        select(Note).options(selectinload(Note.comments)).execution_options(populate_existing=True)
    )
    assert loaded is not None
    return len(loaded.comments)


@scenario(ONE, "POST")
async def lazy_load_in_its_block(session: Session) -> int:
    note = await session.scalar(select(Note))
    assert note is not None
    return len(note.comments)


@scenario(ONE, "POST")
async def awaitable_attribute_by_run_sync(session: Session) -> int:
    note = await session.scalar(select(Note))
    assert note is not None
    return await session.run_sync(lambda _: len(note.comments))


@scenario()
async def bulk_insert_returns_rows(session: Session) -> list[str]:
    rows = [{"name": name} for name in "cab"]
    query = insert(Note).returning(Note.name, sort_by_parameter_order=True)
    return list(await session.scalars(query, rows))


@scenario(rows="SELECT count(*), count(DISTINCT name) FROM notes")
async def many_objects_are_added(session: Session) -> None:
    session.add_all(Note(name=str(number)) for number in range(2_000))


@scenario(rows="SELECT count(*) FROM notes")
async def executemany(session: Session) -> None:
    rows = [{"name": str(number)} for number in range(500)]
    await session.execute(text("INSERT INTO notes (name) VALUES (:name)"), rows)


@scenario()
async def executemany_fails_half_way(session: Session) -> None:
    rows = [{"name": name} for name in "aba"]
    await session.execute(text("INSERT INTO notes (name) VALUES (:name)"), rows)


@scenario(ONE, "POST", rows=BODIES)
async def conflict_does_nothing(session: Session) -> int:
    query = upsert(Note).values(name="a", body="new").on_conflict_do_nothing().returning(Note.id)
    return len((await session.scalars(query)).all())


@scenario(ONE, "POST", rows=BODIES)
async def conflict_updates(session: Session) -> str | None:
    query = upsert(Note).values(name="a", body="new")
    query = query.on_conflict_do_update(index_elements=["name"], set_={"body": query.excluded.body})
    return await session.scalar(query.returning(Note.body))


@scenario()
async def listener_of_the_session(session: Session) -> list[str]:
    seen: list[str] = []
    for name in ("before_flush", "after_flush", "before_commit"):
        event.listen(session.sync_session, name, lambda *_, name=name: seen.append(name))
    session.add(Note(name="a"))
    await session.flush()
    return seen


COMMITTED: list[str] = []


@scenario("POST", "POST /probe/what_was_committed")
async def after_commit_of_the_session(session: Session) -> None:
    COMMITTED.clear()
    for name in ("after_commit", "after_rollback", "after_soft_rollback"):
        event.listen(session.sync_session, name, lambda *_, name=name: COMMITTED.append(name))
    session.add(Note(name="a"))


@scenario("POST", "POST /probe/what_was_committed")
async def after_rollback_of_the_session(session: Session) -> None:
    COMMITTED.clear()
    for name in ("after_commit", "after_rollback"):
        event.listen(session.sync_session, name, lambda *_, name=name: COMMITTED.append(name))
    session.add(Note(name="a"))
    await session.flush()
    raise ConflictError("a")


@scenario()
async def what_was_committed() -> list[str]:
    return COMMITTED


@scenario()
async def info_of_the_session(session: Session) -> list[str]:
    session.info["user"] = "ada"
    return sorted(key for key in session.info if key in {"user", "other"})


@scenario("POST", "POST")
async def info_is_new_with_each_session(session: Session) -> bool:
    before = "user" in session.info
    session.info["user"] = "ada"
    return before


@scenario()
async def sync_session_writes(session: Session) -> int:
    def write(sync: Any) -> int:
        sync.add(Note(name="a"))
        sync.flush()
        return sync.query(Note).count()

    return await session.run_sync(write)


async def add(session: AsyncSession, name: str) -> None:
    session.add(Note(name=name))


@scenario("POST", rows=BODIES)
async def nothing_is_flushed_by_the_route(session: Session) -> None:
    await add(session, "a")
    with session.no_autoflush:
        await session.scalars(BY_NAME)
