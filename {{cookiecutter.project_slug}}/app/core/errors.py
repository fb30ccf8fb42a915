"""Domain errors: what a feature raises when a request cannot be done."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import ClassVar

from sqlalchemy.exc import IntegrityError

RETRY_AFTER = {"Retry-After": "1"}
"""Seconds."""


class DomainError(Exception):
    """An error that a client caused, or has to know of; the message is shown to it.

    A subclass names its status; ``headers`` are sent with the answer.
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST
    default_headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, detail: str = "", *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.headers = {**self.default_headers, **(headers or {})}


class UnauthorizedError(DomainError):
    """The request does not say who sends it, or its credentials are wrong."""

    status = HTTPStatus.UNAUTHORIZED
    # A 401 has to name a scheme: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2
    default_headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": "Bearer"}


class ForbiddenError(DomainError):
    """The sender is known, and may not do this."""

    status = HTTPStatus.FORBIDDEN


class NotFoundError(DomainError):
    """What was asked for does not exist."""

    status = HTTPStatus.NOT_FOUND


class ConflictError(DomainError):
    """The request does not fit the present state."""

    status = HTTPStatus.CONFLICT


class InvalidError(DomainError):
    """A value that no schema could judge."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooManyRequestsError(DomainError):
    """The sender has asked too often."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    default_headers: ClassVar[Mapping[str, str]] = RETRY_AFTER


class UnavailableError(DomainError):
    """Something that this service needs does not answer; trying again may help."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    default_headers: ClassVar[Mapping[str, str]] = RETRY_AFTER


@contextmanager
def conflict_on(constraint: str, detail: str) -> Generator[None]:
    """Raise ``ConflictError`` in place of a violation of this constraint."""
    try:
        yield
    except IntegrityError as error:
        if getattr(error.driver_exception, "constraint_name", None) != constraint:
            raise
        raise ConflictError(detail) from error
