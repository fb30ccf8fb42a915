"""Routes that return an error instead of raising one: what their session did is rolled back too."""

from functools import wraps
from typing import Any

from fastapi import Response, routing

from app.core.db.scope import note_failure

FIRST_ERROR = 400


def is_error(response: object) -> bool:
    """Tell whether this is a response whose status says that the request has failed."""
    return isinstance(response, Response) and (response.status_code or 0) >= FIRST_ERROR


def declares_error(route: object) -> bool:
    """Tell whether the route's own ``status_code`` says that the request has failed."""
    declared: int | None = getattr(route, "status_code", None)
    return (declared or 0) >= FIRST_ERROR


def notice_returned_errors() -> None:
    """Let FastAPI tell what a route has returned, before the sessions of the route end.

    A dependency does not see the response, and a middleware sees it after the commit. FastAPI has no
    hook between the two, so its function that calls the route is wrapped, once for the process.
    """
    run = routing.run_endpoint_function
    if hasattr(run, "__wrapped__"):
        return

    @wraps(run)
    async def run_and_notice(**arguments: Any) -> Any:
        returned = await run(**arguments)
        if is_error(returned):
            note_failure()
        return returned

    vars(routing)["run_endpoint_function"] = run_and_notice
