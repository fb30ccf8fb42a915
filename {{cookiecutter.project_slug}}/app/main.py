"""The application: ``create_app`` puts the parts together, ``lifespan`` opens the database."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app import features
from app.core.db.database import open_database
from app.core.http import exception_handlers, problem_details, routes, streaming
from app.core.http.middleware.body_limit import BodyLimit
from app.core.http.middleware.connection_limit import ConnectionLimit
from app.core.http.middleware.error_responses import ErrorResponses
from app.core.http.middleware.request_log import REQUEST_ID, RequestLog
from app.core.http.middleware.security_headers import SecurityHeaders
from app.core.http.middleware.timeout import Timeout
from app.core.http.middleware.trusted_host import TrustedHost
from app.core.observability import logging, telemetry
from app.settings import Settings, project

logger = structlog.get_logger(__name__)

CLOSE_TIMEOUT = 1.0
"""Seconds to close the database's connections: one that is silent takes for ever."""


class Service(FastAPI):
    """FastAPI inside this project's middleware, whatever is added to it later."""

    def openapi(self) -> dict[str, Any]:
        """Describe errors in the OpenAPI document as they are."""
        if not self.openapi_schema:
            self.openapi_schema = problem_details.describe(super().openapi())
        return self.openapi_schema

    def build_middleware_stack(self) -> ASGIApp:
        """Put the project's middleware around that of ``add_middleware``."""
        return add_middleware(super().build_middleware_stack(), self.state.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the address with the prefix of the proxy, which may have removed it."""
        prefix = self.root_path
        if scope["type"] == "lifespan":
            try:
                routes.prepare(self)
            except routes.RouteError as error:  # in one line, without a traceback
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
        elif prefix and not f"{scope['path']}/".startswith(f"{prefix}/"):
            raw = prefix.encode() + scope.get("raw_path", b"")
            scope = {**scope, "path": prefix + scope["path"], "raw_path": raw}
        await super().__call__(scope, receive, send)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
    """Own the database for as long as the application runs; connections are made on first use."""
    routes.prepare(app)
    stack = AsyncExitStack()
    database = await stack.enter_async_context(open_database(app.state.settings))
    try:
        yield {"database": database, "settings": app.state.settings}
    finally:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await stack.aclose()
        except TimeoutError:
            logger.warning("database_not_closed", seconds=CLOSE_TIMEOUT)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application, by default from the environment."""
    settings = settings or Settings()
    logging.configure(settings)
    telemetry.name_service()
    streaming.close_streams()
    document = "/openapi.json" if settings.serves_docs else None  # without it, no /docs either
    app = Service(
        title=project.name,
        version=project.version,
        description=project.description,
        openapi_url=document,
        lifespan=lifespan,
        telemetry=telemetry.REQUESTS,
    )
    app.root_path = settings.root_path
    app.state.settings = settings
    exception_handlers.add_exception_handlers(app)
    for router in features.routers():
        app.include_router(router)
    return app


def add_middleware(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Put around the application what every request passes, the innermost first."""
    app = Timeout(app, seconds=settings.request_timeout, send_seconds=settings.send_timeout)
    app = BodyLimit(app, max_body_size=settings.max_body_size)
    app = TrustedHost(app, hosts=settings.require_allowed_hosts(), origins=settings.cors_origins)
    app = ConnectionLimit(app)
    app = ErrorResponses(app)
    if settings.cors_origins:
        app = CORSMiddleware(
            app,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["Location", "Retry-After", REQUEST_ID],
        )
    app = RequestLog(app)
    return SecurityHeaders(app, docs=settings.serves_docs)
