"""The server that TEST_DATABASE_URL names, if the tests may use it."""

import re
from ipaddress import ip_address

from pydantic import ValidationError
from sqlalchemy import URL, make_url

from app.settings import Settings, explain

ALLOW_HOST = "TEST_DATABASE_ALLOW_HOST"

OF_TESTS = re.compile(r"(^|[_-])tests?([_-]|$)")
"""A name with the word in it; `latest` is not one."""


class RefusedError(Exception):
    """The tests cannot run on this server; the message says why."""


def check_allowed(url: URL, allowed_host: str | None) -> None:
    """Refuse what may be someone's production, before anything is sent to it."""
    host = url.query.get("host") or url.host or "localhost"
    if not (isinstance(host, str) and (host == allowed_host or _is_local(host))):
        raise RefusedError(
            f"TEST_DATABASE_URL names {host}, which is not this machine: tests make and drop "
            f"databases there. If that is meant, set {ALLOW_HOST}={host}."
        )
    if url.database and url.database != "postgres" and not OF_TESTS.search(url.database):
        raise RefusedError(
            f"TEST_DATABASE_URL names the database {url.database}, which may hold someone's data: "
            "tests make databases of their own. Name the database postgres, or one with test in it."
        )


def _is_local(host: str) -> bool:
    if host == "localhost" or host.startswith("/"):  # a folder with a socket
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def parse(text: str) -> URL:
    """Read TEST_DATABASE_URL, in any of the forms that DATABASE_URL may have."""
    try:
        return make_url(Settings(_env_file=None, database_url=text).require_database_url())
    except ValidationError as error:
        raise RefusedError(f"TEST_{explain(error)}") from None
