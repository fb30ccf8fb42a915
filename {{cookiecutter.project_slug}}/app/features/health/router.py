"""Liveness and readiness, for the orchestrator that restarts and routes to this process."""

import asyncio
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI, Request

from app.core.db import CurrentDatabase, Database
from app.core.errors import UnavailableError
from app.core.http.exception_handlers import RETRY_AFTER
from app.core.http.problem_details import problem, problems
from app.core.http.server import stopping
from app.core.schemas import Schema
from app.features.health import schema

READY_TIMEOUT = 1.0
"""Seconds the database has to answer; probes commonly give up after one second themselves."""

logger = structlog.get_logger(__name__)

router = APIRouter(tags=["health"])


class Health(Schema):
    status: str = "ok"


@router.get("/livez")
async def live() -> Health:
    """Say that the process serves requests; restarting it would not mend a database."""
    return Health()


@router.get("/readyz", response_model=Health, responses=problems(HTTPStatus.SERVICE_UNAVAILABLE))
async def ready(database: CurrentDatabase, request: Request) -> Any:
    """Say that requests may be sent here: the database answers and fits, and nothing stops."""
    try:
        await check(database)
    except UnavailableError as error:
        _log_change(request.app, str(error), error.__cause__)
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers=RETRY_AFTER)
    _log_change(request.app, None)
    return Health()


async def check(database: Database) -> None:
    """Raise ``UnavailableError`` for whatever keeps requests from being served."""
    if stopping.is_set():
        raise UnavailableError("The service is stopping.")
    await asyncio.to_thread(schema.of_code)  # reads files, the first time: not at the limit's cost
    try:
        async with asyncio.timeout(READY_TIMEOUT):
            for number, probe in enumerate(database.probes()):
                async with probe as session:
                    await schema.check(session, is_primary=number == 0)
    except (schema.BehindError, schema.ReadOnlyServerError) as error:
        raise UnavailableError(str(error)) from error
    except Exception as error:  # whatever keeps the database from answering means: not ready
        raise UnavailableError("The database does not answer.") from error


def _log_change(app: FastAPI, reason: str | None, cause: BaseException | None = None) -> None:
    """Write one line when the answer changes: probes ask every few seconds, all night."""
    # The driver's own error says what is wrong; its text may name hosts and users.
    name = type(getattr(cause, "driver_exception", None) or cause).__name__
    state = (reason, name if cause else None)
    if state == getattr(app.state, "readiness", (None, None)):
        return
    app.state.readiness = state
    if reason:
        logger.warning("not_ready", reason=reason, cause=state[1])
    else:
        logger.info("ready")
