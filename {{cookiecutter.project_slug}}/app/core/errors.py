"""Domain errors, and the one place that turns an error into ``application/problem+json``.

https://www.rfc-editor.org/rfc/rfc9457
"""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from socket import gaierror
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from app.core.invalid import shown

logger = structlog.get_logger(__name__)


class DomainError(Exception):
    """Something that a client did, or has to know; the message is shown to it."""


class NotFoundError(DomainError):
    """What was asked for does not exist."""


class ConflictError(DomainError):
    """The request does not fit the present state."""


class InvalidError(DomainError):
    """A value that no schema could judge."""


class UnavailableError(DomainError):
    """Something that this service needs does not answer; trying again may help."""


STATUS: dict[type[DomainError], HTTPStatus] = {
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    InvalidError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    DomainError: HTTPStatus.BAD_REQUEST,  # the last: any other
}

RETRY_AFTER = {"Retry-After": "1"}
"""Seconds."""


@contextmanager
def conflict_on(constraint: str, detail: str) -> Generator[None]:
    """Turn a violation of this constraint into a ``ConflictError``."""
    try:
        yield
    except IntegrityError as error:
        if getattr(error.driver_exception, "constraint_name", None) != constraint:
            raise
        raise ConflictError(detail) from error


class InvalidField(BaseModel):
    """Where in the request a value is wrong, and why; never the value itself."""

    loc: list[str | int]
    msg: str
    type: str


class Problem(BaseModel):
    """The body of every error."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    request_id: str | None = None
    errors: list[InvalidField] | None = None


REFERENCE = "#/components/schemas/{model}"


def problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Describe these statuses in the OpenAPI document: the ``responses`` of a route."""
    schema = {"$ref": REFERENCE.format(model=Problem.__name__)}
    content = {"application/problem+json": {"schema": schema}}
    return {status: {"description": status.phrase, "content": content} for status in statuses}


def describe(document: dict[str, Any]) -> dict[str, Any]:
    """Put problems where FastAPI describes its own form of a validation error."""
    _, schemas = models_json_schema([(Problem, "serialization")], ref_template=REFERENCE)
    components = document.setdefault("components", {}).setdefault("schemas", {})
    components.update(schemas["$defs"])
    for name in ("HTTPValidationError", "ValidationError"):
        components.pop(name, None)
    (invalid,) = problems(HTTPStatus.UNPROCESSABLE_ENTITY).values()
    for path in document["paths"].values():
        for operation in path.values():
            if "422" in operation["responses"]:
                operation["responses"]["422"] = invalid
    return document


def _phrase(status: int) -> str:
    known = status in HTTPStatus.__members__.values()
    return HTTPStatus(status).phrase if known else "Error"


def problem(
    status: int,
    detail: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    errors: list[InvalidField] | None = None,
) -> JSONResponse:
    """Make the response for an error; ``title`` is the status' own phrase."""
    body = Problem(
        title=_phrase(status),
        status=status,
        detail=detail,
        request_id=structlog.contextvars.get_contextvars().get("request_id"),
        errors=errors,
    )
    return JSONResponse(
        body.model_dump(exclude_none=True),
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


async def _domain(_: Request, error: DomainError) -> JSONResponse:
    status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
    unavailable = status == HTTPStatus.SERVICE_UNAVAILABLE
    if unavailable:
        logger.warning("unavailable", reason=str(error), cause=repr(error.__cause__))
    return problem(status, str(error), headers=RETRY_AFTER if unavailable else None)


def _text(detail: object) -> str:
    """FastAPI allows more than Starlette's string."""
    return detail if isinstance(detail, str) else json.dumps(detail)


async def _http(_: Request, error: HTTPException) -> JSONResponse:
    detail = _text(error.detail)
    # Starlette repeats the phrase where it has nothing to add.
    detail = None if detail == _phrase(error.status_code) else detail
    return problem(error.status_code, detail, headers=error.headers)


async def _validation(_: Request, error: RequestValidationError) -> JSONResponse:
    fields = [InvalidField.model_validate(found) for found in shown(error.errors())]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid.", errors=fields)


async def _integrity(_: Request, error: IntegrityError) -> JSONResponse:
    logger.warning("integrity_error", cause=repr(error.driver_exception))
    return problem(HTTPStatus.CONFLICT, "The change does not fit the data that is there.")


# https://www.postgresql.org/docs/current/errcodes-appendix.html: what another try may not meet again.
TRANSIENT = (
    *("08", "53", "57P"),  # connection, resources, shutdown
    *("40001", "40P01"),  # serialization failure, deadlock
    *("55P03", "57014"),  # lock and statement timeout
)
INVALID = "22"  # data exceptions: a value that no column holds


async def _database(_: Request, error: DBAPIError) -> JSONResponse:
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if error.connection_invalidated or state.startswith(TRANSIENT):
        return _unavailable(error)
    if state.startswith(INVALID):
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The request holds an impossible value.")
    raise error


async def _no_connection(_: Request, error: Exception) -> JSONResponse:
    return _unavailable(error)


def _unavailable(error: Exception) -> JSONResponse:
    logger.warning("database_unavailable", cause=type(error).__name__)
    detail = "The database is not available at the moment."
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=RETRY_AFTER)


def register(app: FastAPI) -> None:
    """Answer each kind of error with a problem; request_log.py answers what is left."""
    app.exception_handler(DomainError)(_domain)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_validation)
    app.exception_handler(IntegrityError)(_integrity)
    app.exception_handler(DBAPIError)(_database)
    # The pool has no connection left; none can be made. asyncpg leaves the latter as they are.
    for kind in (PoolTimeoutError, ConnectionError, TimeoutError, gaierror):
        app.exception_handler(kind)(_no_connection)
