"""The application: ``create_app`` puts the parts together, ``lifespan`` opens the database."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from app import features
from app.core import answers, logging, problems
from app.core.database import open_database
from app.core.deadline import Deadline
from app.core.request_log import RequestLog
from app.core.settings import Settings, project


class Service(FastAPI):
    """FastAPI, whose OpenAPI document describes errors as they are."""

    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            self.openapi_schema = problems.describe(super().openapi())
        return self.openapi_schema


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Own the database for as long as the application runs; connections are made on first use."""
    async with open_database(app.state.settings) as database:
        app.state.database = database
        yield


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application, by default from the environment."""
    settings = settings or Settings()
    logging.configure(settings)
    app = Service(
        title=project.name,
        version=project.version,
        description=project.description,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.add_middleware(Deadline, seconds=settings.request_timeout)
    app.add_middleware(RequestLog)  # the last is the outermost
    answers.register(app)
    for router in features.routers():
        app.include_router(router)
    return app
