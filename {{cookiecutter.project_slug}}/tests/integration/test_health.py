import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from app.core.db import Database, get_database
from app.core.db.engine import create_engine
from app.features.health import schema
from tests.harness.databases import settings_for
from tests.harness.queries import Queries


async def test_alive_without_a_database(app: FastAPI, client: AsyncClient) -> None:
    # get_database refuses when it is asked: liveness must not ask.
    app.dependency_overrides[get_database] = lambda: pytest.fail("asked for the database")

    response = await client.get("/livez")

    assert response.status_code == 200


async def test_ready_while_the_database_answers(client: AsyncClient, queries: Queries) -> None:
    await client.get("/readyz")

    with queries.expect(2):
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
        "CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(32) NOT NULL)",
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
