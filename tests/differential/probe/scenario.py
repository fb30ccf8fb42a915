"""Scenarios: a route as developers write it, the requests to send, and the rows to compare."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

router = APIRouter(prefix="/probe")

NOTES = "SELECT name FROM notes ORDER BY name"

Endpoint = Callable[..., Any]
Step = str | tuple[str, ...]


@dataclass(frozen=True)
class Scenario:
    """What is done, and what is looked at afterwards.

    A step is ``"POST"`` to the scenario's own route, ``"POST ?n=2"``, ``"GET /products"``, or
    ``'POST /products {"name": "a"}'``; ``"SQL ..."`` runs in a session of the test; ``"SOCKET a b"``
    sends two messages to the scenario's WebSocket; ``"LEAVE"`` goes away after the first part of the
    response. The steps of a tuple run at once.
    """

    name: str
    path: str
    steps: tuple[Step, ...]
    rows: str
    after: str


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    *steps: Step,
    rows: str = NOTES,
    after: str = "",
    path: str = "",
    socket: bool = False,
    refused: str = "",
    differs: str = "",
    **route: Any,
) -> Callable[[Endpoint], Endpoint]:
    """Serve the function, and compare what it does.

    ``after`` is SQL that removes what a served scenario leaves besides rows; ``path`` is that of a route
    which is served otherwise. ``refused`` says what to write instead where the sandbox refuses the
    scenario; ``differs`` says why it differs. ``route`` holds FastAPI's own arguments.
    """
    del refused, differs  # read from the source, by outcomes.py

    def register(endpoint: Endpoint) -> Endpoint:
        name = endpoint.__name__
        own = path or f"{router.prefix}/{name}"
        if socket:
            router.add_api_websocket_route(f"/{name}", endpoint)
        elif not path:
            router.add_api_route(f"/{name}", endpoint, methods=["POST"], **route)
        SCENARIOS[name] = Scenario(name, own, steps or ("POST",), rows, after)
        return endpoint

    return register


TASKS: set[asyncio.Task[Any]] = set()


def spawn(work: Coroutine[Any, Any, Any]) -> None:
    """Start a task that goes on after the response."""
    TASKS.add(asyncio.create_task(work))


@router.get("/settle")
async def settle() -> list[str]:
    """Wait for all tasks that were started; return the names of their errors."""
    results = await asyncio.gather(*TASKS, return_exceptions=True)
    TASKS.clear()
    return sorted(type(result).__name__ for result in results if result is not None)
