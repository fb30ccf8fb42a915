"""Turn every error into one answer: a problem over HTTP, a close frame on an open WebSocket."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import structlog
from fastapi import Request, WebSocket
from fastapi.exception_handlers import (
    http_exception_handler,
    request_validation_exception_handler,
    websocket_request_validation_exception_handler,
)
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.responses import Response
from fastapi.utils import is_body_allowed_for_status_code
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from app.core.db.sqlstate import (
    DRIVER_ERRORS,
    ErrorResponse,
    cause_of,
    response_for,
    sqlstate,
    unless_partly_done,
)
from app.core.errors import RETRY_AFTER, DomainError
from app.core.http.problem_details import InvalidField, phrase, problem
from app.core.http.validation_errors import shown

logger = structlog.get_logger(__name__)

REASON_MAX = 123
"""Bytes of a close frame's reason: https://www.rfc-editor.org/rfc/rfc6455#section-5.5"""

TRY_AGAIN_LATER = {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}


class Answer(NamedTuple):
    """What a client is told about an error."""

    status: int
    detail: str | None = None
    headers: Mapping[str, str] | None = None
    errors: list[InvalidField] | None = None

    def response(self) -> Response:
        """Make a problem of it, also to reject a WebSocket that is not open yet."""
        if not is_body_allowed_for_status_code(self.status):
            return Response(status_code=self.status, headers=self.headers)
        return problem(self.status, self.detail, headers=self.headers, errors=self.errors)

    def close(self) -> dict[str, Any]:
        """Make the message that closes an open WebSocket.

        1008: the client has to change something; 1013: it may try again later; 1011: it cannot help.
        https://www.iana.org/assignments/websocket/websocket.xhtml#close-code-number
        """
        if self.status in TRY_AGAIN_LATER:
            code = 1013
        else:
            code = 1008 if self.status < HTTPStatus.INTERNAL_SERVER_ERROR else 1011
        reason = self.detail or phrase(self.status)
        return {"type": "websocket.close", "code": code, "reason": shortened(reason)}


# The server closes the connection after an error that it sees: the client has to know.
UNHANDLED = Answer(HTTPStatus.INTERNAL_SERVER_ERROR, headers={"Connection": "close"})


def shortened(reason: str) -> str:
    """Cut a close frame's reason to what fits, and not within a character."""
    return reason.encode("utf-8", "replace")[:REASON_MAX].decode("utf-8", "ignore")


def answer_to(error: Exception) -> Answer | None:
    """Return the answer to an error, and log what the log has to say of it; None for a bug."""
    for kind, answer in ANSWERS.items():
        if isinstance(error, kind):
            found: Answer | None = answer(error)
            return found
    return None


def _domain(error: DomainError) -> Answer:
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE and error.__cause__:
        logger.warning("unavailable", reason=str(error), cause=type(error.__cause__).__name__)
    status, detail = unless_partly_done(ErrorResponse(error.status, str(error)))
    return Answer(status, detail or None, error.headers if status == error.status else None)


def _http(error: HTTPException) -> Answer:
    given: Any = error.detail  # FastAPI allows more than Starlette's string
    detail = given if isinstance(given, str) else json.dumps(given)
    # Starlette repeats the phrase where it has nothing to add.
    if error.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        response = unless_partly_done(ErrorResponse(HTTPStatus.SERVICE_UNAVAILABLE, detail))
        if response.status != error.status_code:
            return Answer(*response)
    detail = None if detail == phrase(error.status_code) else detail
    return Answer(error.status_code, detail, error.headers)


def _validation(error: RequestValidationError | WebSocketRequestValidationError) -> Answer:
    fields = [InvalidField.model_validate(found) for found in shown(error.errors())]
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return Answer(status, "The request is not valid.", errors=fields)


def _database(error: Exception) -> Answer | None:
    response = response_for(error)
    if response is None:
        return None
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
    return Answer(*response, headers=RETRY_AFTER if again else None)


ANSWERS: dict[type[Exception], Any] = {
    DomainError: _domain,
    HTTPException: _http,
    RequestValidationError: _validation,
    WebSocketRequestValidationError: _validation,
    **dict.fromkeys(DRIVER_ERRORS, _database),
}

DEFAULTS = {
    None,
    http_exception_handler,
    request_validation_exception_handler,
    websocket_request_validation_exception_handler,
}
"""FastAPI's own handlers."""


async def _handle(connection: Request | WebSocket, error: Exception) -> Response:
    if isinstance(connection, WebSocket):
        raise error  # middleware/error_responses.py knows whether it is open
    answer = answer_to(error)
    if answer is None:
        raise error
    return answer.response()


async def _handle_any(_: Request, error: Exception) -> Response:
    return (answer_to(error) or UNHANDLED).response()


def add_exception_handlers(app: Starlette) -> None:
    """Let this application answer errors with problems, except where it has a handler of its own."""
    for kind in ANSWERS:
        if app.exception_handlers.get(kind) in DEFAULTS:
            app.add_exception_handler(kind, _handle)
    # Of what an application's own middleware raises, too.
    if not {500, Exception} & app.exception_handlers.keys():
        app.add_exception_handler(Exception, _handle_any)
