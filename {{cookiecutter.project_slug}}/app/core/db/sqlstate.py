"""What can go wrong between here and PostgreSQL, and the answer to each.

503 promises that nothing was done, so that a client may try again. 504 promises nothing: the answer
took too long, or got lost on its way, and what was asked for may have been done.
"""

from http import HTTPStatus
from typing import Any, NamedTuple

from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi as driver
from sqlalchemy.exc import DBAPIError, OperationalError

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


class Fault(NamedTuple):
    """A status, and what the client is told."""

    status: HTTPStatus
    detail: str


UNAVAILABLE = Fault(HTTPStatus.SERVICE_UNAVAILABLE, "The database is not available at the moment.")
CONTENDED = Fault(
    HTTPStatus.SERVICE_UNAVAILABLE, "Another change was in the way; nothing was changed."
)
TOO_LATE = Fault(HTTPStatus.GATEWAY_TIMEOUT, "The database took too long to answer.")
UNKNOWN = Fault(HTTPStatus.GATEWAY_TIMEOUT, "Whether the change was made is not known.")
CONFLICT = Fault(HTTPStatus.CONFLICT, "The change does not fit the data that is there.")
INVALID = Fault(HTTPStatus.UNPROCESSABLE_ENTITY, "The request holds a value that cannot be stored.")

# https://www.postgresql.org/docs/current/errcodes-appendix.html: two characters name a class.
FAULTS = {
    "08": UNAVAILABLE,  # the connection
    "22": INVALID,  # a value that no column of its type holds
    "23": CONFLICT,  # unique, foreign key, exclusion
    "23502": INVALID,  # not null
    "23514": INVALID,  # check
    "25006": UNAVAILABLE,  # read-only: another server has become the primary
    "25P03": UNAVAILABLE,  # idle in a transaction
    "28": UNAVAILABLE,  # a role or password that is not accepted: not the client's
    "3D": UNAVAILABLE,  # no such database: not the client's either
    "40001": CONTENDED,  # serialization failure
    "40P01": CONTENDED,  # deadlock
    "53": UNAVAILABLE,  # no connection, memory or disk left
    "55P03": CONTENDED,  # lock timeout
    "57014": TOO_LATE,  # statement timeout
    "57P": UNAVAILABLE,  # shutdown, crash, start-up
}

LOST = ("08", "25006", "25P03", "57P")
"""After these, the connection is of no use, even if it has not been closed yet."""


def sqlstate(error: Any) -> str:
    """Return PostgreSQL's code for the error, or an empty string: not every fault is its own."""
    state: str | None = getattr(error, "sqlstate", None)
    return state or ""


def is_lost(error: object) -> bool:
    """Tell whether the connection is of no use after this error, even if it is not closed yet."""
    return sqlstate(error).startswith(LOST)


def fault_of(error: DBAPIError) -> Fault | None:
    """Return the answer to an error of the database, or None if it is one of our own making."""
    state = sqlstate(error.orig)
    for length in (5, 3, 2):
        if state[:length] in FAULTS:
            return FAULTS[state[:length]]
    if isinstance(error, NoAnswerError):
        return TOO_LATE
    gone = error.connection_invalidated or isinstance(error, CannotConnectError)
    # After a stale statement all of them are prepared anew: another try meets none.
    return UNAVAILABLE if gone or isinstance(error.orig, STALE) else None
