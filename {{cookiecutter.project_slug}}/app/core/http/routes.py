"""Prepare the routes of an application at start-up, those of mounted applications too."""

from collections.abc import Iterator, Sequence

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIWebSocketRoute, RouteContext, iter_route_contexts
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Host, Mount

from app.core.db import database
from app.core.http.exception_handlers import add_exception_handlers

SESSIONS: dict[object, str] = {database._transaction: "Session", database._read: "ReadSession"}


class RouteError(Exception):
    """A route that cannot be served; the message says how to write it."""


def prepare(app: Starlette) -> None:
    """Let mounted applications answer errors as this one does; refuse WebSockets with a session."""
    for context in _contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIWebSocketRoute):
            for call in _calls(context.dependant):
                if call in SESSIONS:
                    raise RouteError(_explain(context, SESSIONS[call]))
        elif isinstance(route, Mount | Host) and isinstance(
            mounted := _unwrapped(route.app), Starlette
        ):
            add_exception_handlers(mounted)


def _explain(context: RouteContext, session: str) -> str:
    return (
        f"WebSocket {context.path} ({context.endpoint.__module__}.{context.name}) depends on {session},"
        " which would hold a connection for as long as the socket is open. Take `database:"
        " CurrentDatabase`, and write `async with database.transaction() as session:` for each"
        " message: see docs/websockets.md"
    )


def _contexts(routes: Sequence[BaseRoute]) -> Iterator[RouteContext]:
    """Yield each route as it is served, with the prefixes and dependencies of its routers."""
    for context in iter_route_contexts(routes):
        yield context
        if isinstance(context.original_route, Mount | Host):
            yield from _contexts(getattr(_unwrapped(context.original_route.app), "routes", ()))


def _unwrapped(app: object) -> object:
    """Return the application within its middleware."""
    while not hasattr(app, "routes") and hasattr(app, "app"):
        app = app.app
    return app


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for child in dependant.dependencies:
        yield from _calls(child)
