"""Settings in routes, and settings that one test changes."""

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from app.main import create_app
from app.settings import CurrentSettings
from devkit.testing.clients import client_of
from devkit.testing.databases import settings_for


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
