"""Writes through a session that reads."""

from sqlalchemy import delete, insert, select, text, update

from app.core.db import ReadSession
from app.core.errors import ConflictError
from app.features.probe.models import Note
from app.features.probe.scenario import scenario

ONE = "SQL INSERT INTO notes (name) VALUES ('a')"


@scenario()
async def read_adds_an_object(session: ReadSession) -> None:
    session.add(Note(name="a"))


@scenario()
async def read_adds_an_object_and_flushes(session: ReadSession) -> None:
    session.add(Note(name="a"))
    await session.flush()


@scenario()
async def read_inserts(session: ReadSession) -> None:
    await session.execute(insert(Note).values(name="a"))


@scenario()
async def read_inserts_by_text(session: ReadSession) -> None:
    await session.execute(text("INSERT INTO notes (name) VALUES ('a')"))


@scenario()
async def read_inserts_in_a_cte(session: ReadSession) -> str | None:
    new = insert(Note).values(name="a").returning(Note.name).cte("new")
    return await session.scalar(select(new.c.name))


@scenario()
async def read_inserts_in_a_cte_of_text(session: ReadSession) -> str | None:
    return await session.scalar(
        text("WITH n AS (INSERT INTO notes (name) VALUES ('a') RETURNING name) SELECT name FROM n")
    )


@scenario()
async def read_calls_a_function_that_writes(session: ReadSession) -> str | None:
    return await session.scalar(text("SELECT write_note('a')"))


@scenario()
async def read_takes_a_number_of_a_sequence(session: ReadSession) -> bool:
    return await session.scalar(text("SELECT nextval('counter')")) is not None


@scenario(ONE, "POST")
async def read_selects_for_update(session: ReadSession) -> str | None:
    return await session.scalar(select(Note.name).with_for_update())


@scenario()
async def read_locks_a_table(session: ReadSession) -> None:
    await session.execute(text("LOCK TABLE notes"))


@scenario()
async def read_begins_to_write(session: ReadSession) -> None:
    await session.execute(text("BEGIN READ WRITE"))
    await session.execute(text("INSERT INTO notes (name) VALUES ('a')"))


@scenario()
async def read_sets_itself_free_to_write(session: ReadSession) -> None:
    await session.execute(text("SET default_transaction_read_only = off"))
    await session.execute(text("INSERT INTO notes (name) VALUES ('a')"))


@scenario()
async def read_sets_itself_free_by_a_function(session: ReadSession) -> None:
    await session.execute(text("SELECT set_config('default_transaction_read_only', 'off', false)"))
    await session.execute(text("INSERT INTO notes (name) VALUES ('a')"))


@scenario()
async def read_sets_its_transaction_free_by_a_function(session: ReadSession) -> None:
    await session.execute(
        text("SELECT set_config('transaction_read_only', 'off', true), write_note('a')")
    )


@scenario(ONE, "POST")
async def read_changes_a_loaded_object(session: ReadSession) -> None:
    note = await session.scalar(select(Note))
    assert note is not None
    note.body = "changed"


@scenario(ONE, "POST", rows="SELECT name, body FROM notes")
async def read_changes_a_loaded_object_and_queries(session: ReadSession) -> int:
    note = await session.scalar(select(Note))
    assert note is not None
    note.body = "changed"
    return len((await session.scalars(select(Note))).all())


@scenario(ONE, "POST")
async def read_deletes_a_loaded_object(session: ReadSession) -> None:
    note = await session.scalar(select(Note))
    await session.delete(note)


@scenario(ONE, "POST", rows="SELECT name, body FROM notes")
async def read_updates(session: ReadSession) -> None:
    await session.execute(update(Note).values(body="changed"))


@scenario(ONE, "POST")
async def read_deletes(session: ReadSession) -> None:
    await session.execute(delete(Note))


@scenario()
async def read_writes_and_the_route_raises(session: ReadSession) -> None:
    await session.execute(text("SELECT write_note('a')"))
    raise ConflictError("too late")


@scenario()
async def read_copies_by_the_driver(session: ReadSession) -> None:
    connection = await (await session.connection()).get_raw_connection()
    driver = connection.driver_connection
    assert driver is not None
    await driver.copy_records_to_table("notes", columns=["name"], records=[("a",)])


@scenario()
async def read_writes_by_the_driver(session: ReadSession) -> None:
    connection = await (await session.connection()).get_raw_connection()
    driver = connection.driver_connection
    assert driver is not None
    await driver.execute("INSERT INTO notes (name) VALUES ('a')")


@scenario("POST")
async def read_merges(session: ReadSession) -> None:
    await session.merge(Note(id=1, name="a"))


@scenario("POST")
async def read_adds_by_run_sync(session: ReadSession) -> None:
    def write(sync: object) -> None:
        sync.execute(insert(Note).values(name="a"))  # type: ignore[attr-defined]

    await session.run_sync(write)
