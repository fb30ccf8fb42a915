"""Settings in routes, and settings that one test changes."""

import logging

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.main import create_app
from app.settings import CurrentSettings, Settings
from tests.fixtures.settings import Override
from tests.harness.clients import client_of
from tests.harness.databases import settings_for


async def read(settings: CurrentSettings) -> int:
    return settings.max_body_size


@pytest.fixture
def with_routes(engine: AsyncEngine) -> FastAPI:
    """An application that asks for a setting, in itself and in a mounted application."""
    app = create_app(settings_for(engine.url).model_copy(update={"max_body_size": 4321}))
    mounted = FastAPI()
    for where in (app, mounted):
        where.get("/size")(read)
    app.mount("/below", mounted)
    return app


@pytest.mark.parametrize("path", ["/size", "/below/size"])
async def test_a_route_reads_its_settings(with_routes: FastAPI, path: str) -> None:
    async with (
        with_routes.router.lifespan_context(with_routes) as state,
        client_of(with_routes, state=state) as client,
    ):
        response = await client.get(path)

    assert (response.status_code, response.text) == (200, "4321")


async def test_overridden_settings_apply_and_end_with_the_block(
    override_settings: Override, client: AsyncClient, app: FastAPI
) -> None:
    before: Settings = app.state.settings

    async with override_settings(docs=False, log_level="ERROR", max_body_size=1) as other:
        assert (await other.get("/docs")).status_code == 404
        assert (await other.post("/livez", json={})).status_code == 413
        assert logging.getLogger().level == logging.ERROR

    assert (await client.get("/docs")).status_code == 200
    assert logging.getLogger().level == logging.INFO
    assert app.state.settings == before


async def test_a_failing_override_leaves_the_logs_as_they_were(
    override_settings: Override,
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with override_settings(log_level="ERROR"):
            raise ZeroDivisionError

    assert logging.getLogger().level == logging.INFO


async def test_overridden_settings_are_validated(override_settings: Override) -> None:
    with pytest.raises(ValidationError, match="SHUTDOWN_GRACE is 1 s"):
        async with override_settings(shutdown_grace=1):
            pass


@pytest.mark.parametrize("name", ["dosc", "database_pool_size"])
async def test_a_setting_that_would_not_apply_is_refused(
    override_settings: Override, name: str
) -> None:
    with pytest.raises(TypeError, match=name):
        async with override_settings(**{name: 1}):
            pass
