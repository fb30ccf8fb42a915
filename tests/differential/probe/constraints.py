"""Constraints, triggers and sequences."""

from sqlalchemy import text

from app.core.db import CurrentDatabase, Session
from app.core.errors import ConflictError
from app.features.probe.models import Comment, Note
from app.features.probe.scenario import scenario

AUDIT = "SELECT what FROM audit ORDER BY what"
PLACES = "SELECT name, position FROM places ORDER BY name"
TWO_PLACES = "SQL INSERT INTO places VALUES ('a', 1), ('b', 2)"


@scenario(rows="SELECT note_name FROM comments")
async def deferred_foreign_key_is_broken(session: Session) -> None:
    session.add(Comment(note_name="missing"))


@scenario(rows="SELECT note_name FROM comments")
async def deferred_foreign_key_is_broken_for_a_while(session: Session) -> None:
    session.add(Comment(note_name="a"))
    await session.flush()
    session.add(Note(name="a"))


@scenario(rows="SELECT note_name FROM comments")
async def deferred_foreign_key_is_broken_in_a_savepoint(session: Session) -> str:
    async with session.begin_nested():
        session.add(Comment(note_name="a"))
    session.add(Note(name="b"))
    return "until the commit"


@scenario(rows="SELECT note_name FROM comments")
async def deferred_foreign_key_is_checked_at_once(session: Session) -> None:
    await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    session.add(Comment(note_name="missing"))
    await session.flush()


@scenario("POST", "POST", rows="SELECT note_name FROM comments")
async def constraints_are_deferred_again_in_the_next_request(session: Session) -> None:
    session.add(Comment(note_name="a"))
    await session.flush()
    await session.execute(text("INSERT INTO notes (name) VALUES ('a') ON CONFLICT DO NOTHING"))
    await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


@scenario(TWO_PLACES, "POST", rows=PLACES)
async def unique_is_deferred_for_one_request(session: Session) -> None:
    await session.execute(text("SET CONSTRAINTS position_once DEFERRED"))
    await session.execute(text("UPDATE places SET position = 2 WHERE name = 'a'"))
    await session.execute(text("UPDATE places SET position = 1 WHERE name = 'b'"))


@scenario(TWO_PLACES, "POST ?first=true", "POST", rows=PLACES)
async def deferral_ends_with_its_request(session: Session, first: bool = False) -> None:
    if first:
        await session.execute(text("SET CONSTRAINTS position_once DEFERRED"))
        return
    await session.execute(text("UPDATE places SET position = 2 WHERE name = 'a'"))
    await session.execute(text("UPDATE places SET position = 1 WHERE name = 'b'"))


@scenario(rows=AUDIT)
async def triggers_write_at_once_and_at_commit(session: Session) -> int:
    await session.execute(text("INSERT INTO stock VALUES ('lamp', 1)"))
    return await session.scalar(text("SELECT count(*) FROM audit")) or 0


@scenario(rows=AUDIT)
async def triggers_of_a_request_that_fails(session: Session) -> None:
    await session.execute(text("INSERT INTO stock VALUES ('lamp', 1)"))
    raise ConflictError("lamp")


@scenario("POST", rows=AUDIT)
async def triggers_of_two_transactions(database: CurrentDatabase) -> list[int]:
    counts = []
    for name in "ab":
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO stock VALUES (:name, 1)"), {"name": name})
            counts.append(await session.scalar(text("SELECT count(*) FROM audit")) or 0)
    return counts


@scenario(rows="SELECT * FROM stock")
async def check_is_broken(session: Session) -> None:
    await session.execute(text("INSERT INTO stock VALUES ('lamp', -1)"))


@scenario()
async def not_null_is_broken(session: Session) -> None:
    await session.execute(text("INSERT INTO notes (name) VALUES (NULL)"))


@scenario()
async def sequence_leaves_a_gap(database: CurrentDatabase) -> int:
    ids = []
    for fails in (False, True, False):
        try:
            async with database.transaction() as session:
                session.add(note := Note(name=f"number {len(ids)}"))
                await session.flush()
                ids.append(note.id)
                if fails:
                    raise ValueError
        except ValueError:
            continue
    return ids[2] - ids[0]


@scenario()
async def sequence_in_a_transaction(session: Session) -> bool:
    first = await session.scalar(text("SELECT nextval('counter')"))
    await session.execute(text("SELECT nextval('counter')"))
    return await session.scalar(text("SELECT currval('counter')")) == (first or 0) + 1
