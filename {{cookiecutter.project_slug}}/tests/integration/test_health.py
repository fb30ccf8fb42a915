import asyncio
from collections.abc import AsyncGenerator

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import URL, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from structlog.testing import capture_logs

from app.core.db import Database, get_database
from app.core.db.database import open_database
from app.core.db.engine import create_engine
from app.core.db.sqlstate import BusyError
from app.features.health import schema
from tests.harness.clients import client_of
from tests.harness.committed import Committed
from tests.harness.databases import settings_for
from tests.harness.queries import Queries

VERSION_TABLE = "CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(32) NOT NULL)"
"""There is none in a project without a migration."""


async def test_alive_without_a_database(app: FastAPI, client: AsyncClient) -> None:
    # get_database refuses when it is asked: liveness must not ask.
    app.dependency_overrides[get_database] = lambda: pytest.fail("asked for the database")

    response = await client.get("/livez")

    assert response.status_code == 200


async def test_ready_while_the_database_answers(
    client: AsyncClient, session: AsyncSession, queries: Queries
) -> None:
    await session.execute(text(VERSION_TABLE))
    await session.commit()

    with queries.expect(1):
        response = await client.get("/readyz")

    assert response.status_code == 200


async def test_not_ready_while_a_migration_is_missing(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = schema.of_code()
    newer = schema.Revisions(code.all | {"the-next"}, frozenset({"the-next"}))
    monkeypatch.setattr(schema, "of_code", lambda: newer)

    with capture_logs() as lines:
        response = await client.get("/readyz")

    found = " and ".join(code.heads) or "none"
    reason = f"The database is at revision {found}, and the code needs the-next."
    assert response.status_code == 503
    assert response.json()["detail"] == reason
    assert reason in [line.get("reason") for line in lines]


async def test_not_ready_while_nobody_has_migrated(
    client: AsyncClient, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = frozenset({"the-first"})
    monkeypatch.setattr(schema, "of_code", lambda: schema.Revisions(first, first))
    await session.execute(text("DROP TABLE IF EXISTS alembic_version"))
    await session.commit()

    response = await client.get("/readyz")

    reason = "The database is at revision none, and the code needs the-first."
    assert (response.status_code, response.json()["detail"]) == (503, reason)


async def test_ready_while_newer_code_has_migrated(
    client: AsyncClient, session: AsyncSession
) -> None:
    """A rolling deployment migrates first, and this process serves on until it is replaced."""
    for sql in (
        VERSION_TABLE,
        "DELETE FROM alembic_version",
        "INSERT INTO alembic_version VALUES ('of-newer-code')",
    ):
        await session.execute(text(sql))
    await session.commit()

    response = await client.get("/readyz")

    assert response.status_code == 200


async def test_not_ready_when_the_database_is_away(app: FastAPI, client: AsyncClient) -> None:
    nobody_there = URL.create("postgresql+asyncpg", host="127.0.0.1", port=1, database="x")
    away = create_engine(settings_for(nobody_there))
    app.dependency_overrides[get_database] = lambda: Database.over(away)

    response = await client.get("/readyz")

    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert response.json()["detail"] == "The database does not answer."
    await away.dispose()


@pytest.fixture
async def busy(app: FastAPI, engine: AsyncEngine) -> AsyncGenerator[tuple[AsyncClient, Database]]:
    """A client of the application, and its database, whose only connection is in use."""
    update = {"database_pool_size": 1, "database_pool_timeout": 0.05}
    async with open_database(settings_for(engine.url).model_copy(update=update)) as database:
        app.dependency_overrides[get_database] = lambda: database
        release = asyncio.Event()
        holding = asyncio.create_task(hold(database, release))
        await asyncio.sleep(0)
        yield client_of(app), database
        release.set()
        await holding


async def hold(database: Database, release: asyncio.Event) -> None:
    async with database.transaction() as session:
        await session.execute(select(1))
        await release.wait()


async def test_ready_while_the_pool_is_merely_busy(busy: tuple[AsyncClient, Database]) -> None:
    client, database = busy

    statuses = [(await client.get("/readyz")).status_code for _ in range(2)]

    assert statuses == [200, 200]
    with pytest.raises(BusyError):
        await read_one(database)


async def read_one(database: Database) -> None:
    async with database.read() as session:
        await session.execute(select(1))


@pytest.mark.committed
async def test_not_ready_while_the_primary_takes_no_writes(
    client: AsyncClient, database: Committed
) -> None:
    name = database.engine.url.database
    async with database.engine.begin() as connection:
        setting = "SET default_transaction_read_only = on"
        await connection.execute(text(f'ALTER DATABASE "{name}" {setting}'))
    await database.engine.dispose()

    response = await client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["detail"] == "The database does not take writes."
    with pytest.raises(DBAPIError, match="read-only transaction"):
        await create_a_table(database)


async def create_a_table(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE harness_table (n int)"))
