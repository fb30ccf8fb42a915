import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import URL

from app.core.database import Database, create_engine, get_database
from tests.harness.databases import settings_for


async def test_alive_without_a_database(app: FastAPI, client: AsyncClient) -> None:
    # get_database refuses when it is asked: liveness must not ask.
    app.dependency_overrides[get_database] = lambda: pytest.fail("asked for the database")

    response = await client.get("/livez")

    assert response.status_code == 200


async def test_ready_while_the_database_answers(client: AsyncClient) -> None:
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
