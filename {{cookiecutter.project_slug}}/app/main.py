"""The application: ``create_app`` puts the parts together, ``lifespan`` opens the database."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from app import features
from app.core.db.database import open_database
from app.core.http import exception_handlers, problem_details
from app.core.http.middleware.request_log import REQUEST_ID, RequestLog
from app.core.http.middleware.security_headers import SecurityHeaders
from app.core.http.middleware.timeout import Deadline
from app.core.http.middleware.trusted_host import Gate
from app.core.observability import logging, telemetry
from app.settings import Settings, project


class Service(FastAPI):
    """FastAPI, whose OpenAPI document describes errors as they are."""

    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            self.openapi_schema = problem_details.describe(super().openapi())
        return self.openapi_schema


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
    """Own the database for as long as the application runs; connections are made on first use."""
    async with open_database(app.state.settings) as database:
        yield {"database": database, "settings": app.state.settings}


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application, by default from the environment."""
    settings = settings or Settings()
    logging.configure(settings)
    telemetry.name_service()
    document = "/openapi.json" if settings.serves_docs else None  # without it, no /docs either
    app = Service(
        title=project.name,
        version=project.version,
        description=project.description,
        openapi_url=document,
        lifespan=lifespan,
        telemetry=telemetry.REQUESTS,
    )
    app.state.settings = settings
    add_middleware(app, settings)
    exception_handlers.add_exception_handlers(app)
    for router in features.routers():
        app.include_router(router)
    return app


def add_middleware(app: FastAPI, settings: Settings) -> None:
    """Put around the application what every request passes, the innermost first."""
    app.add_middleware(Deadline, seconds=settings.request_timeout)
    app.add_middleware(
        Gate, hosts=settings.require_allowed_hosts(), max_body_size=settings.max_body_size
    )
    app.add_middleware(RequestLog)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["Location", "Retry-After", REQUEST_ID],
        )
    app.add_middleware(SecurityHeaders, docs=settings.serves_docs)
