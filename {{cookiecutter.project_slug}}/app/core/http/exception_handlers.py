"""The one place that turns an error into a response."""

import json
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.core.db.sqlstate import (
    DRIVER_ERRORS,
    ErrorResponse,
    cause_of,
    response_for,
    sqlstate,
    unless_partly_done,
)
from app.core.errors import (
    ConflictError,
    DomainError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from app.core.http.problem_details import InvalidField, phrase, problem
from app.core.http.validation_errors import shown

logger = structlog.get_logger(__name__)

STATUS: dict[type[DomainError], HTTPStatus] = {
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    InvalidError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    DomainError: HTTPStatus.BAD_REQUEST,  # the last: any other
}

RETRY_AFTER = {"Retry-After": "1"}
"""Seconds."""


async def _domain(_: Request, error: DomainError) -> JSONResponse:
    status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
    if status == HTTPStatus.SERVICE_UNAVAILABLE and error.__cause__:
        logger.warning("unavailable", reason=str(error), cause=type(error.__cause__).__name__)
    response = unless_partly_done(ErrorResponse(status, str(error)))
    again = response.status == HTTPStatus.SERVICE_UNAVAILABLE
    return problem(*response, headers=RETRY_AFTER if again else None)


def _text(detail: object) -> str:
    """FastAPI allows more than Starlette's string."""
    return detail if isinstance(detail, str) else json.dumps(detail)


async def _http(_: Request, error: HTTPException) -> JSONResponse:
    detail = _text(error.detail)
    # Starlette repeats the phrase where it has nothing to add.
    detail = None if detail == phrase(error.status_code) else detail
    return problem(error.status_code, detail, headers=error.headers)


async def _validation(_: Request, error: RequestValidationError) -> JSONResponse:
    fields = [InvalidField.model_validate(found) for found in shown(error.errors())]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid.", errors=fields)


async def _database(_: Request, error: Exception) -> JSONResponse:
    response = response_for(error)
    if response is None:
        raise error
    cause = cause_of(error)
    # The names alone: the text of an error can hold values of the request, or the address.
    logger.warning(
        "database_error",
        status=response.status,
        cause=type(cause).__name__,
        sqlstate=sqlstate(cause),
        constraint=getattr(cause, "constraint_name", None),
    )
    again = response.status == HTTPStatus.SERVICE_UNAVAILABLE
    return problem(*response, headers=RETRY_AFTER if again else None)


def add_exception_handlers(app: FastAPI) -> None:
    """Answer each kind of error with a problem; request_log.py answers what is left."""
    app.exception_handler(DomainError)(_domain)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_validation)
    for kind in DRIVER_ERRORS:
        app.exception_handler(kind)(_database)
