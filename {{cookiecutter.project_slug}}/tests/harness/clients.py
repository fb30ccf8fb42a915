"""Clients of an application in this process, and of one in another."""

import os
import re
from collections.abc import Generator, Mapping
from typing import Any
from unittest.mock import patch

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.harness.environment import removed

ROUTES = re.compile(r"(all|https?|no)_proxy|ssl_cert_(dir|file)", re.IGNORECASE)
"""The variables that say how a machine reaches others."""


class WithState:
    """Gives requests the state that the application's lifespan has yielded, as a server does."""

    def __init__(self, app: ASGIApp, state: Mapping[str, Any]) -> None:
        self.app = app
        self.state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope, "state": dict(self.state)}, receive, send)


def client_of(
    app: ASGIApp, *, raises: bool = True, state: Mapping[str, Any] | None = None, **options: Any
) -> AsyncClient:
    """Make a client; unless told otherwise, it raises what the application does not handle."""
    transport = ASGITransport(WithState(app, state or {}), raise_app_exceptions=raises)
    options = {"base_url": "http://test", "trust_env": False} | options
    return AsyncClient(transport=transport, **options)


def applications(app: FastAPI) -> Generator[FastAPI]:
    """Yield the application, and those that are mounted in it: each has overrides of its own."""
    yield app
    for route in app.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            yield from applications(route.app)


def live_client_of(url: str, *, deployed: bool, **options: Any) -> AsyncClient:
    """Make a client of a server; a deployed one is reached as the developer's machine reaches it."""
    routes = {name: value for name, value in removed.items() if ROUTES.fullmatch(name)}
    with patch.dict(os.environ, routes if deployed else {}):
        return AsyncClient(base_url=url, trust_env=deployed, **options)
