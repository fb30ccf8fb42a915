"""The one place that turns an error into a response."""

import json
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from app.core.db.sqlstate import (
    UNAVAILABLE,
    UNKNOWN,
    Fault,
    OutcomeUnknownError,
    fault_of,
    sqlstate,
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
    unavailable = status == HTTPStatus.SERVICE_UNAVAILABLE
    if unavailable and error.__cause__:
        logger.warning("unavailable", reason=str(error), cause=type(error.__cause__).__name__)
    return problem(status, str(error), headers=RETRY_AFTER if unavailable else None)


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


async def _database(_: Request, error: DBAPIError) -> JSONResponse:
    fault = fault_of(error)
    if fault is None:
        raise error
    return _fault(fault, error.driver_exception)


async def _no_connection_left(_: Request, error: PoolTimeoutError) -> JSONResponse:
    return _fault(UNAVAILABLE, error)


async def _outcome_unknown(_: Request, error: OutcomeUnknownError) -> JSONResponse:
    return _fault(UNKNOWN, error)


def _fault(fault: Fault, error: Exception) -> JSONResponse:
    # The names alone: the text of an error can hold values of the request, or the address.
    logger.warning(
        "database_fault",
        status=fault.status,
        cause=type(error).__name__,
        sqlstate=sqlstate(error),
        constraint=getattr(error, "constraint_name", None),
    )
    again = fault.status == HTTPStatus.SERVICE_UNAVAILABLE
    return problem(*fault, headers=RETRY_AFTER if again else None)


def add_exception_handlers(app: FastAPI) -> None:
    """Answer each kind of error with a problem; request_log.py answers what is left."""
    app.exception_handler(DomainError)(_domain)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_validation)
    app.exception_handler(DBAPIError)(_database)
    app.exception_handler(PoolTimeoutError)(_no_connection_left)
    app.exception_handler(OutcomeUnknownError)(_outcome_unknown)
