"""The server that TEST_DATABASE_URL names, if the tests may use it."""

import re
from ipaddress import ip_address
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import URL, make_url

from app.settings import Settings, explain

ALLOW_HOST = "TEST_DATABASE_ALLOW_HOST"

OF_TESTS = re.compile(r"(^|[_-])tests?([_-]|$)")
"""A name with the word in it; `latest` is not one."""

OPTIONS = {"host", "passfile", "ssl"}
"""What may follow the ``?``; other options may lead elsewhere than the rest of the URL says."""

SOCKET_FOLDERS = ("/run/postgresql", "/var/run/postgresql", "/tmp")  # noqa: S108 - PostgreSQL's own


class RefusedError(Exception):
    """The tests cannot run on this server; the message says why."""


def check_allowed(url: URL, allowed_host: str | None) -> None:
    """Refuse what may be someone's production, before anything is sent to it."""
    host = str(url.query.get("host", url.host))
    if not (host == allowed_host or _is_local(host)):
        raise RefusedError(
            f"TEST_DATABASE_URL names {host}, which is not this machine: tests make and drop "
            f"databases there. If that is meant, set {ALLOW_HOST}={host}."
        )
    if url.database != "postgres" and not OF_TESTS.search(url.database or ""):
        raise RefusedError(
            f"TEST_DATABASE_URL names the database {url.database}, which may hold someone's data: "
            "tests make databases of their own. Name the database postgres, or one with test in it."
        )


def _is_local(host: str) -> bool:
    if host == "localhost" or (host.startswith("/") and "," not in host):  # a folder with a socket
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def parse(text: str) -> URL:
    """Read TEST_DATABASE_URL, in any of the forms that DATABASE_URL may have.

    What is returned names one host, one port and one database, so that no default decides.
    """
    try:
        url = make_url(Settings(database_url=text).require_database_url())
    except ValidationError as error:
        raise RefusedError(f"TEST_{explain(error)}") from None
    unknown = url.query.keys() - OPTIONS
    if url.host and "host" in url.query:
        unknown |= {"host"}
    if unknown:
        raise RefusedError(
            "TEST_DATABASE_URL has options that may lead to another server:"
            f" {', '.join(sorted(unknown))}. Write postgresql://user:password@host:5432/postgres,"
            " or postgresql://user@/postgres?host=/folder for a socket."
        )
    port = url.port or 5432
    if not url.host and "host" not in url.query:
        url = url.set(host=_default_host(port))
    return url.set(port=port, database=url.database or "postgres")


def _default_host(port: int) -> str:
    """Return what libpq takes without a host, and no PGHOST."""
    sockets = (folder for folder in SOCKET_FOLDERS if Path(folder, f".s.PGSQL.{port}").exists())
    return next(sockets, "localhost")
