"""What a feature can say is wrong; `answers.py` makes a response of it."""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError


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


@contextmanager
def conflict_on(constraint: str, detail: str) -> Generator[None]:
    """Turn a violation of this constraint into a ``ConflictError``."""
    try:
        yield
    except IntegrityError as error:
        if getattr(error.driver_exception, "constraint_name", None) != constraint:
            raise
        raise ConflictError(detail) from error
