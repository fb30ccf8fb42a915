"""Errors of PostgreSQL and its driver, and the response to each.

503 promises that nothing was done, so that a client may try again. 504 promises nothing: the answer
took too long, or got lost on its way, or a part of what was asked for has been done.
"""

from http import HTTPStatus
from traceback import walk_tb
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi as driver
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import StaleDataError

from app.core.db.scope import has_committed
from app.core.errors import UnavailableError

READ_ONLY_TRANSACTION = "25006"

STALE = (driver.InvalidCachedStatementError, driver.InternalServerError)
"""What a migration does to statements that were prepared before it; SQLAlchemy then forgets them."""


class CannotConnectError(OperationalError):
    """No connection can be made. asyncpg raises what the socket raised; this says whose socket."""

    def __init__(self, error: Exception) -> None:
        super().__init__(None, None, error)


class NoAnswerError(OperationalError):
    """A statement was sent, and the server was silent for longer than it may work on one."""

    def __init__(self, error: Exception) -> None:
        super().__init__(None, None, error, connection_invalidated=True)


class OutcomeUnknownError(Exception):
    """The connection was lost while it committed."""


class BusyError(UnavailableError):
    """Too many units of work wait for a connection."""

    def __init__(self) -> None:
        super().__init__("The database is busy; retry shortly.")


class ErrorResponse(NamedTuple):
    """A status, and what the client is told."""

    status: HTTPStatus
    detail: str


UNAVAILABLE = ErrorResponse(
    HTTPStatus.SERVICE_UNAVAILABLE, "The database is not available at the moment."
)
CONFLICTING_TRANSACTION = ErrorResponse(
    HTTPStatus.SERVICE_UNAVAILABLE, "Another change was in the way; nothing was changed."
)
TOO_LATE = ErrorResponse(HTTPStatus.GATEWAY_TIMEOUT, "The database took too long to answer.")
UNKNOWN = ErrorResponse(HTTPStatus.GATEWAY_TIMEOUT, "Whether the change was made is not known.")
CONFLICT = ErrorResponse(HTTPStatus.CONFLICT, "The change does not fit the data that is there.")
PARTLY_DONE = ErrorResponse(
    HTTPStatus.GATEWAY_TIMEOUT, "A part of the request was done before the rest had to be given up."
)
INVALID = ErrorResponse(
    HTTPStatus.UNPROCESSABLE_ENTITY, "The request holds a value that cannot be stored."
)

# https://www.postgresql.org/docs/current/errcodes-appendix.html: two characters name a class.
RESPONSES = {
    "08": UNAVAILABLE,  # the connection
    "22": INVALID,  # a value that no column of its type holds
    "23": CONFLICT,  # unique, foreign key, exclusion
    "23502": INVALID,  # not null
    "23514": INVALID,  # check
    "25006": UNAVAILABLE,  # read-only: another server has become the primary
    "25P03": UNAVAILABLE,  # idle in a transaction
    "28": UNAVAILABLE,  # a role or password that is not accepted: not the client's
    "3D": UNAVAILABLE,  # no such database: not the client's either
    "40001": CONFLICTING_TRANSACTION,  # serialization failure
    "40P01": CONFLICTING_TRANSACTION,  # deadlock
    "53": UNAVAILABLE,  # no connection, memory or disk left
    "55P03": CONFLICTING_TRANSACTION,  # lock timeout
    "57014": TOO_LATE,  # statement timeout
    "57P": UNAVAILABLE,  # shutdown, crash, start-up
}

BROKEN = (driver.InternalClientError, asyncpg.InternalClientError)
"""What asyncpg says when the server has ended the session between two statements."""

LOST = ("08", "25006", "25P03", "57P")
"""After these, the connection is of no use, even if it has not been closed yet."""


def sqlstate(error: Any) -> str:
    """Return PostgreSQL's code for the error, or an empty string if it is none of PostgreSQL's."""
    state: str | None = getattr(error, "sqlstate", None)
    return state or ""


def is_lost(error: object) -> bool:
    """Tell whether the connection is of no use after this error, even if it is not closed yet."""
    is_broken = isinstance(error, BROKEN) and "another operation" in str(error)
    return sqlstate(error).startswith(LOST) or is_broken


def cause_of(error: Exception) -> Exception:
    """Return the driver's own error, which SQLAlchemy may have wrapped once or twice."""
    original: Exception = getattr(error, "orig", None) or error
    try:
        cause: Exception = getattr(original, "driver_exception", original)
    except ValueError:  # SQLAlchemy has made this one without an error of the driver
        return original
    return cause


DRIVER_ERRORS: tuple[type[Exception], ...] = (
    DBAPIError,
    PoolTimeoutError,
    OutcomeUnknownError,
    StaleDataError,  # another request has changed the row, or removed it
    # Raised by asyncpg to code that uses it directly, for a COPY for instance.
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,  # TimeoutError is one
)


def response_for(error: Exception) -> ErrorResponse | None:
    """Return the response to an error of the database, or None if the error is the code's own."""
    if isinstance(error, OutcomeUnknownError):
        return UNKNOWN
    if isinstance(error, StaleDataError):
        return CONFLICT
    response = _by_state(sqlstate(error) or sqlstate(getattr(error, "orig", None)))
    if response is None:
        response = _by_kind(error)
    return unless_partly_done(response) if response else None


def unless_partly_done(response: ErrorResponse) -> ErrorResponse:
    """Keep from promising that nothing was done after an earlier transaction of the request."""
    is_promise = response.status == HTTPStatus.SERVICE_UNAVAILABLE
    return PARTLY_DONE if is_promise and has_committed() else response


def _by_state(state: str) -> ErrorResponse | None:
    for length in (5, 3, 2):
        if state and state[:length] in RESPONSES:
            return RESPONSES[state[:length]]
    return None


def _by_kind(error: Exception) -> ErrorResponse | None:
    if isinstance(error, OSError):
        return _of_socket(error)
    if isinstance(error, NoAnswerError):
        return TOO_LATE
    is_unavailable = (
        isinstance(error, PoolTimeoutError | CannotConnectError)
        or getattr(error, "connection_invalidated", False)
        or is_lost(error)
        # After a stale statement all of them are prepared again: another try meets none.
        or isinstance(getattr(error, "orig", None), STALE)
        or isinstance(error, asyncpg.InvalidCachedStatementError | asyncpg.InternalServerError)
        or (isinstance(error, asyncpg.InterfaceError) and "connection is closed" in str(error))
    )
    return UNAVAILABLE if is_unavailable else None


def _of_socket(error: OSError) -> ErrorResponse | None:
    """Tell what the driver's socket raised from what another service's did."""
    modules = {frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)}
    if not any(name.startswith("asyncpg.") for name in modules):
        return None
    return TOO_LATE if isinstance(error, TimeoutError) else UNAVAILABLE
