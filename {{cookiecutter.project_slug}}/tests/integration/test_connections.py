"""What dies in the pool is replaced before anybody meets it, and costs the living nothing."""

import asyncio
from collections.abc import AsyncGenerator

import asyncpg
import pytest
from sqlalchemy import Executable, literal_column, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.core.db import Database
from app.core.db import connection_health as connections
from app.core.db.database import open_database
from app.core.db.sqlstate import OutcomeUnknownError
from tests.fixtures.canaries import Canary, add, count
from tests.harness.databases import settings_for
from tests.harness.proxy import Proxy

ONE = select(literal_column("1"))


@pytest.fixture
async def proxy(engine: AsyncEngine) -> AsyncGenerator[Proxy]:
    async with Proxy.to(engine.url) as proxy:
        yield proxy


@pytest.fixture
async def pooled(proxy: Proxy) -> AsyncGenerator[Database]:
    """A database whose pool has one connection, which goes through the proxy."""
    settings = settings_for(proxy.url).model_copy(update={"database_pool_size": 1})
    async with open_database(settings) as database:
        async with database.read() as session:
            await session.execute(ONE)
        yield database


@pytest.fixture
async def distrustful(proxy: Proxy) -> AsyncGenerator[Database]:
    """One that asks each connection whether it is alive, however short it has rested."""
    update = {"database_pool_size": 1, "database_idle_trust": 0}
    async with open_database(settings_for(proxy.url).model_copy(update=update)) as database:
        async with database.read() as session:
            await session.execute(ONE)
        yield database


async def driver_of(session: AsyncSession) -> asyncpg.Connection:
    driver = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    return driver


async def lose(session: AsyncSession, engine: AsyncEngine) -> None:
    """Terminate the session's backend, behind the pool's back."""
    driver, closed = await driver_of(session), asyncio.Event()
    driver.add_termination_listener(lambda _: closed.set())
    async with engine.connect() as other, asyncio.timeout(5):
        process = {"pid": driver.get_server_pid()}
        await other.execute(text("SELECT pg_terminate_backend(:pid)"), process)
        await closed.wait()


async def say_goodbye(proxy: Proxy) -> None:
    proxy.say_goodbye()
    await asyncio.sleep(0.02)  # until it has come


async def test_a_connection_in_use_is_not_asked_whether_it_is_alive(
    pooled: Database, proxy: Proxy
) -> None:
    before = proxy.round_trips

    async with pooled.read() as session:
        await session.execute(ONE)

    assert proxy.round_trips - before == 1


async def test_a_connection_that_rested_is_asked_first(distrustful: Database, proxy: Proxy) -> None:
    before = proxy.round_trips

    async with distrustful.read() as session:
        await session.execute(ONE)

    assert proxy.round_trips - before == 2


@pytest.mark.parametrize("before", ["read", "transaction"])
async def test_a_connection_that_was_closed_is_replaced(
    pooled: Database, proxy: Proxy, before: str
) -> None:
    async with getattr(pooled, before)() as session:
        await session.execute(ONE)
    proxy.cut()

    async with pooled.transaction() as session:
        assert await session.scalar(ONE) == 1


@pytest.mark.parametrize("unit", ["read", "transaction"])
async def test_a_goodbye_before_the_connection_is_closed_is_heard(
    pooled: Database, proxy: Proxy, unit: str
) -> None:
    await say_goodbye(proxy)

    async with getattr(pooled, unit)() as session:
        assert await session.scalar(ONE) == 1


async def test_a_connection_that_rested_and_is_silent_is_replaced(
    distrustful: Database, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "PING_TIMEOUT", 0.05)
    monkeypatch.setattr(connections, "CLOSE_TIMEOUT", 0.05)
    proxy.forget()

    async with distrustful.read() as session:
        assert await session.scalar(ONE) == 1


@pytest.mark.usefixtures("cage")
@pytest.mark.parametrize("query", [select(Canary.name), text("SELECT name FROM harness.canaries")])
async def test_read_is_sent_again_on_a_new_connection(
    pooled: Database, engine: AsyncEngine, query: Executable
) -> None:
    async with pooled.read() as session:
        await lose(session, engine)

        assert (await session.scalars(query)).all() == []


async def test_replaced_connection_keeps_the_options_of_its_transaction(
    pooled: Database, proxy: Proxy
) -> None:
    options = {
        "isolation_level": "SERIALIZABLE",
        "postgresql_readonly": True,
        "postgresql_deferrable": True,
    }
    await say_goodbye(proxy)

    async with pooled.transaction() as session:
        await session.connection(execution_options=options)
        found = [
            await session.scalar(text(f"SHOW transaction_{name}"))
            for name in ("isolation", "read_only", "deferrable")
        ]
    async with pooled.transaction() as session:
        later = await session.scalar(text("SHOW transaction_isolation"))

    assert (found, later) == (["serializable", "on", "on"], "read committed")


@pytest.mark.usefixtures("cage")
async def test_what_comes_later_is_not_sent_again(pooled: Database, engine: AsyncEngine) -> None:
    async with pooled.transaction() as session:
        await add(session, "lost")
        await lose(session, engine)
        with pytest.raises(DBAPIError) as caught:
            await add(session, "never")
        await session.rollback()

    assert caught.value.connection_invalidated
    async with pooled.read() as session:
        assert await count(session) == 0


@pytest.mark.usefixtures("cage")
async def test_a_commit_is_not_sent_again_and_its_outcome_is_unknown(
    pooled: Database, engine: AsyncEngine
) -> None:
    async def commit_on_a_lost_connection() -> None:
        async with pooled.transaction() as session:
            await add(session, "in doubt")
            await lose(session, engine)

    with pytest.raises(OutcomeUnknownError):
        await commit_on_a_lost_connection()


async def test_a_connection_is_new_after_its_autocommit_was_lost(
    pooled: Database, engine: AsyncEngine
) -> None:
    async with pooled.read() as session:
        await lose(session, engine)
        await session.execute(ONE)

    async with pooled.transaction() as session:
        await session.execute(ONE)
        assert (await driver_of(session)).is_in_transaction()


@pytest.mark.parametrize("unit", ["read", "transaction"])
async def test_a_migration_beneath_a_prepared_statement_is_not_noticed(
    pooled: Database, engine: AsyncEngine, unit: str
) -> None:
    query = select(literal_column("value")).select_from(text("harness_plans"))
    async with engine.begin() as migration:
        await migration.execute(text("CREATE TABLE harness_plans AS SELECT 1::int AS value"))
    try:
        async with getattr(pooled, unit)() as session:
            assert await session.scalar(query) == 1
        async with engine.begin() as migration:
            await migration.execute(text("ALTER TABLE harness_plans ALTER value TYPE text"))

        async with getattr(pooled, unit)() as session:
            assert await session.scalar(query) == "1"
    finally:
        async with engine.begin() as migration:
            await migration.execute(text("DROP TABLE harness_plans"))


@pytest.mark.usefixtures("cage")
async def test_transaction_with_a_stale_plan_after_a_write_fails(
    pooled: Database, engine: AsyncEngine
) -> None:
    async def write_and_read(name: str) -> None:
        async with pooled.transaction() as session:
            await add(session, name)
            await session.execute(text("SELECT * FROM harness_stale"))

    async with engine.begin() as migration:
        await migration.execute(text("CREATE TABLE harness_stale (value int)"))
    try:
        await write_and_read("kept")
        async with engine.begin() as migration:
            await migration.execute(text("ALTER TABLE harness_stale ADD COLUMN other int"))

        with pytest.raises(DBAPIError, match="cached statement plan"):
            await write_and_read("rolled back")
    finally:
        async with engine.begin() as migration:
            await migration.execute(text("DROP TABLE harness_stale"))
            await migration.execute(text("TRUNCATE harness.canaries"))


async def test_switch_to_writing_that_is_cancelled_is_not_taken_for_done(
    pooled: Database, proxy: Proxy
) -> None:
    async def write() -> None:
        async with pooled.transaction() as session:
            await session.execute(ONE)

    proxy.silence()
    writing = asyncio.create_task(write())
    await asyncio.sleep(0.05)  # until it waits for the answer
    writing.cancel()
    proxy.heal()
    await asyncio.wait([writing])

    async with pooled.read() as session:
        assert await session.scalar(text("SHOW transaction_read_only")) == "on"
    await write()
