"""URLs of databases: read as hosting providers write them, and judged."""

import inspect
from typing import Annotated

import asyncpg
from pydantic import AfterValidator, SecretStr
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

OPTIONS = inspect.signature(asyncpg.connect).parameters.keys()
FORM = "postgresql://user:password@host:5432/name"

WEAK_PASSWORDS = {
    "development-only",  # the example's, in compose.yaml
    # The rest is in every list that attackers try.
    *("password", "postgres", "example", "changeme", "changethis", "secret", "admin", "12345678"),
}
SHORTEST_PASSWORD = 8


def _for_asyncpg(value: SecretStr) -> SecretStr:
    """Accept the URL as hosting providers write it, and make it the one that SQLAlchemy needs."""
    try:
        url = make_url(value.get_secret_value())
    except ArgumentError:
        raise ValueError(f"must look like {FORM}") from None
    if url.drivername not in ("postgresql", "postgres", "postgresql+asyncpg"):
        raise ValueError(f"must look like {FORM}")
    query = dict(url.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")  # libpq's word and asyncpg's; the values are the same
    query.pop("channel_binding", None)  # asyncpg decides by itself
    if unknown := query.keys() - OPTIONS:
        raise ValueError(f"has options that asyncpg does not know: {', '.join(sorted(unknown))}")
    url = url.set(drivername="postgresql+asyncpg", query=query)
    return SecretStr(url.render_as_string(hide_password=False))


DatabaseUrl = Annotated[SecretStr, AfterValidator(_for_asyncpg)]


def is_weak(given: SecretStr) -> bool:
    """Judge the password of a URL; a URL without one leaves the proof to a socket or certificate."""
    url = make_url(given.get_secret_value())
    password = url.password
    return password is not None and (
        len(password) < SHORTEST_PASSWORD
        or password.lower() in WEAK_PASSWORDS | {url.username, url.database}
    )
