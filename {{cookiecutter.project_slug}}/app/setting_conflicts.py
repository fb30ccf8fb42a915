"""Conflicts of settings: each is valid alone, and together they cannot work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from app.database_url import asks_for_standby, is_weak

if TYPE_CHECKING:
    from app.settings import Settings

Conflict: TypeAlias = "Callable[[Settings], str | None]"


def _less(inner: str, outer: str) -> Conflict:
    """Say that the deadline which is nearer to the fault has to be the shorter one."""

    def conflict(settings: Settings) -> str | None:
        shorter, longer = getattr(settings, inner), getattr(settings, outer)
        if shorter is None or longer is None or shorter < longer:
            return None
        return (
            f"{outer.upper()} is {longer:g} s: set it to more than {inner.upper()},"
            f" which is {shorter:g} s"
        )

    return conflict


def _strong(name: str) -> Conflict:
    def conflict(settings: Settings) -> str | None:
        url = getattr(settings, name)
        if settings.environment == "development" or url is None or not is_weak(url):
            return None
        return (
            f"{name.upper()}: its password is short, an example or the name of its user or"
            " database: set another one, for example from `openssl rand -hex 16`"
        )

    return conflict


def _known_port(settings: Settings) -> str | None:
    if settings.environment == "development" or settings.port:
        return None
    return "PORT is 0, which is another port at each start: set one that clients can know, as 8000"


def _writable(settings: Settings) -> str | None:
    if settings.database_url is None or not asks_for_standby(settings.database_url):
        return None
    return (
        "DATABASE_URL: its target_session_attrs accepts only a replica, which refuses to write:"
        " set it to read-write, and DATABASE_READ_URL to the replica"
    )


CONFLICTS: tuple[Conflict, ...] = (
    # What is nearest to a fault gives up first: its error says most.
    _less("database_lock_timeout", "database_statement_timeout"),
    _less("database_lock_timeout", "database_command_timeout"),
    _less("database_statement_timeout", "database_command_timeout"),
    _less("database_command_timeout", "request_timeout"),
    _less("database_pool_timeout", "request_timeout"),
    _less("database_connect_timeout", "request_timeout"),
    _less("request_timeout", "shutdown_grace"),
    _strong("database_url"),
    _strong("database_read_url"),
    _known_port,
    _writable,
)
"""Every way in which two settings can contradict each other; each returns what to say of it."""
