"""Locks, isolation levels and requests at once."""

import asyncio

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import CurrentDatabase, Session
from app.core.db.retry import retry_when_refused
from app.features.probe.models import Note
from app.features.probe.scenario import scenario

ONE = "SQL INSERT INTO notes (name) VALUES ('a')"
STOCK = "SELECT name, amount FROM stock ORDER BY name"
ONE_LEFT = "SQL INSERT INTO stock VALUES ('lamp', 1)"
TWO_KINDS = "SQL INSERT INTO stock VALUES ('lamp', 1), ('vase', 1)"

ANOTHER_LEVEL = "`@pytest.mark.committed`: the level of the sandbox is `READ COMMITTED`"
AT_ONCE = "`@pytest.mark.committed`: both must be open at the same time"


@scenario(ONE, "POST")
async def select_for_update(session: Session) -> str | None:
    return await session.scalar(select(Note.name).with_for_update())


@scenario(ONE, "POST")
async def select_skip_locked(session: Session) -> str | None:
    return await session.scalar(select(Note.name).with_for_update(skip_locked=True))


@scenario(ONE, "POST")
async def select_nowait(session: Session) -> str | None:
    return await session.scalar(select(Note.name).with_for_update(nowait=True))


@scenario(ONE, ("POST", "POST"))
async def select_nowait_at_once(session: Session) -> str | None:
    """Both succeed, or one fails: which of them is chance. Here they come after each other."""
    return await session.scalar(select(Note.name).with_for_update(key_share=True))


@scenario("POST", "POST")
async def advisory_lock_of_a_transaction(session: Session) -> bool:
    return await session.scalar(text("SELECT pg_try_advisory_xact_lock(1)")) or False


@scenario(
    "POST",
    "POST",
    refused="`@pytest.mark.committed`; whether a lock can be taken, `pg_try_advisory_xact_lock` tells",
)
async def advisory_lock_of_a_transaction_is_free_in_the_next(session: Session) -> int:
    """`pg_locks`, where the locks of earlier requests still stand."""
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 2"
    before = await session.scalar(text(held)) or 0
    await session.execute(text("SELECT pg_advisory_xact_lock(2)"))
    return before


@scenario("POST", "POST")
async def advisory_lock_of_a_connection(session: Session) -> bool:
    locked = await session.scalar(text("SELECT pg_try_advisory_lock(3)"))
    await session.execute(text("SELECT pg_advisory_unlock(3)"))
    return locked or False


both_have_one = asyncio.Barrier(2)


@scenario(
    TWO_KINDS,
    ("POST ?first=lamp&second=vase", "POST ?first=vase&second=lamp"),
    rows=STOCK,
    refused=AT_ONCE,
)
async def deadlock(first: str, second: str, session: Session) -> str:
    """Transactions that wait for each other: a deadlock, a race that a barrier makes certain."""
    take = text("UPDATE stock SET amount = 0 WHERE name = :name")
    await session.execute(text("SET LOCAL deadlock_timeout = '20ms'"))
    await session.execute(take, {"name": first})
    async with asyncio.timeout(2):
        await both_have_one.wait()
    await session.execute(take, {"name": second})
    return "both"


@scenario(("POST", "POST", "POST"))
async def unique_race(session: Session) -> None:
    session.add(Note(name="same"))


@scenario(ONE_LEFT, ("POST", "POST", "POST"), rows=STOCK)
async def last_one_is_taken_once(session: Session) -> bool:
    query = text("SELECT amount FROM stock WHERE name = 'lamp' FOR UPDATE")
    if not await session.scalar(query):
        return False
    await session.execute(text("UPDATE stock SET amount = amount - 1"))
    return True


@scenario(ONE_LEFT, ("POST", "POST", "POST"), rows=STOCK)
async def last_one_is_guarded_by_a_check(session: Session) -> None:
    await session.execute(text("UPDATE stock SET amount = amount - 1"))


@scenario(refused=ANOTHER_LEVEL)
async def serializable_by_connection(session: Session) -> str:
    """`SERIALIZABLE` and `REPEATABLE READ`, as an execution option."""
    await session.connection(execution_options={"isolation_level": "SERIALIZABLE"})
    return await session.scalar(text("SHOW transaction_isolation")) or ""


@scenario()
async def read_committed_by_connection(session: Session) -> str:
    await session.connection(execution_options={"isolation_level": "READ COMMITTED"})
    session.add(Note(name="a"))
    return await session.scalar(text("SHOW transaction_isolation")) or ""


@scenario()
async def autocommit_by_connection(session: Session) -> None:
    await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
    await session.execute(text("INSERT INTO notes (name) VALUES ('a')"))


@scenario()
async def read_only_by_connection(session: Session) -> None:
    await session.connection(execution_options={"postgresql_readonly": True})
    session.add(Note(name="a"))


@scenario("POST", "POST /probe/read_committed_by_connection")
async def read_only_by_connection_ends_with_the_request(session: Session) -> int:
    await session.connection(execution_options={"postgresql_readonly": True})
    return await session.scalar(text("SELECT count(*) FROM notes")) or 0


@scenario(ONE_LEFT, "POST", rows=STOCK, refused=ANOTHER_LEVEL)
async def serialization_failure_is_retried(database: CurrentDatabase) -> int:
    """A serialization failure, and its retry."""
    attempts = 0

    async def work(session: AsyncSession) -> None:
        nonlocal attempts
        attempts += 1
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        amount = await session.scalar(text("SELECT amount FROM stock")) or 0
        if attempts == 1:
            async with database.transaction() as other:
                await other.execute(text("UPDATE stock SET amount = amount + 10"))
        await session.execute(text("UPDATE stock SET amount = :amount + 1"), {"amount": amount})

    await retry_when_refused(database, work)
    return attempts


@scenario()
async def lock_table(session: Session) -> None:
    await session.execute(text("LOCK TABLE notes IN ACCESS EXCLUSIVE MODE"))
    session.add(Note(name="a"))
