"""Liveness and readiness, for the orchestrator that restarts and routes to this process."""

import asyncio
from http import HTTPStatus

from fastapi import APIRouter
from sqlalchemy import select

from app.core.database import CurrentDatabase
from app.core.errors import UnavailableError
from app.core.problems import problems
from app.core.schemas import Schema

READY_TIMEOUT = 1.0
"""Seconds the database has to answer; probes commonly give up after one second themselves."""

router = APIRouter(tags=["health"])


class Health(Schema):
    status: str = "ok"


@router.get("/livez")
async def live() -> Health:
    """Say that the process serves requests; restarting it would not mend a database."""
    return Health()


@router.get("/readyz", responses=problems(HTTPStatus.SERVICE_UNAVAILABLE))
async def ready(database: CurrentDatabase) -> Health:
    """Say that the database answers, so that requests may be sent here."""
    try:
        async with asyncio.timeout(READY_TIMEOUT), database.read() as session:
            await session.execute(select(1))
    except Exception as error:  # whatever keeps the database from answering means: not ready
        raise UnavailableError("The database does not answer.") from error
    return Health()
