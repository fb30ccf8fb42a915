"""Clients of an application in this process."""

from typing import Any

from httpx import ASGITransport, AsyncClient
from starlette.types import ASGIApp


def client_of(app: ASGIApp, *, raises: bool = True, **options: Any) -> AsyncClient:
    """Make a client; unless told otherwise, it raises what the application does not handle."""
    transport = ASGITransport(app, raise_app_exceptions=raises)
    options = {"base_url": "http://test", "trust_env": False} | options
    return AsyncClient(transport=transport, **options)
