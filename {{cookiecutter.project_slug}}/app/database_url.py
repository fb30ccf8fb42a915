"""URLs of databases: read as hosting providers write them, and checked before the first connection.

No message repeats text of the URL. Where a password is not escaped, a part of it may stand anywhere: as
host, port, database or the name of an option.
"""

import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl

from pydantic import AfterValidator, SecretStr
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

FORM = "postgresql://user:password@host:5432/name"
ESCAPES = "in its parts, write @ : / ? # & = % as %40 %3A %2F %3F %23 %26 %3D %25"

VALUES = {
    "ssl": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": (
        *("any", "primary", "standby", "prefer-standby"),
        *("read-write", "read-only"),
    ),
    "gsslib": ("gssapi", "sspi"),
}
OPTIONS = {"host", "port", "passfile", "krbsrvname", *VALUES}
"""What asyncpg takes as text; a URL cannot hold a number or a truth value for it."""

ALIASES = {"sslmode": "ssl", "dbname": "database"}
"""libpq's words and asyncpg's; the values are the same."""

INSTEAD = {
    "connect_timeout": "set DATABASE_CONNECT_TIMEOUT",
    "timeout": "set DATABASE_CONNECT_TIMEOUT",
    "command_timeout": "set DATABASE_COMMAND_TIMEOUT",
    "statement_timeout": "set DATABASE_STATEMENT_TIMEOUT",
    "lock_timeout": "set DATABASE_LOCK_TIMEOUT",
    "connection_limit": "set DATABASE_POOL_SIZE",
    "pool_timeout": "set DATABASE_POOL_TIMEOUT",
    "pgbouncer": "set DATABASE_POOLER=transaction",
    "statement_cache_size": "set DATABASE_POOLER=transaction",
    "prepared_statement_cache_size": "set DATABASE_POOLER=transaction",
    "sslrootcert": "set PGSSLROOTCERT in the environment",
    "sslcert": "set PGSSLCERT in the environment",
    "sslkey": "set PGSSLKEY in the environment",
    "sslcrl": "set PGSSLCRL in the environment",
    "options": "use ALTER ROLE ... SET",
    "server_settings": "use ALTER ROLE ... SET",
}
"""What to do in the place of options that are usual elsewhere and do not work here."""

_HOST = re.compile(r"[\w.-]+|[0-9a-fA-F:.]+|/.*")  # a name or address, or the folder of a socket
_EMPTY_PORT = re.compile("[^/?]*:(/|$)")
_CONTROLS = re.compile("[\x00-\x1f\x7f\ufffd]")  # the last is what bytes that are no UTF-8 become
_MISPLACED = re.compile("[@:/;#&=]")

WEAK_PASSWORDS = {
    "development-only",  # the example's, in compose.yaml
    # The rest is in every list that attackers try.
    *("password", "postgres", "example", "changeme", "changethis", "secret", "admin", "12345678"),
}
SHORTEST_PASSWORD = 8


def _for_asyncpg(value: SecretStr) -> SecretStr:
    """Return the URL as SQLAlchemy and asyncpg need it; refuse one that cannot connect."""
    url = _parse(value.get_secret_value().strip())  # a file of a secret often ends with a newline
    _check_options(url.query)
    _check_parts(url)
    _check_address(url)
    _check_certificate(url)
    return SecretStr(url.render_as_string(hide_password=False))


DatabaseUrl = Annotated[SecretStr, AfterValidator(_for_asyncpg)]


def _parse(text: str) -> URL:
    try:
        text.encode()  # bytes that are no UTF-8 come from the environment as surrogates
        url = make_url(text)
    except (ArgumentError, ValueError):  # its text may be a part of the password
        raise ValueError(f"must look like {FORM}; {ESCAPES}") from None
    known = url.drivername in {"postgresql", "postgres", "postgresql+asyncpg"}
    if not known or _is_ambiguous(text):
        raise ValueError(f"must look like {FORM}; {ESCAPES}")
    _, _, options = text.rpartition("@")[2].partition("?")
    if not all(value for _, value in parse_qsl(options, keep_blank_values=True)):
        raise ValueError("has an option without a value: remove it, or give it one")
    return _put_in_place(url.set(drivername="postgresql+asyncpg"))


def _is_ambiguous(text: str) -> bool:
    """Tell whether an ``@`` of a password may have ended it, or its ``:`` begun a port."""
    before, _, after = text.partition("@")
    if "@" in after or (after and "password=" in before):
        return True
    return _EMPTY_PORT.match(text.partition("://")[2].rpartition("@")[2]) is not None


def _put_in_place(url: URL) -> URL:
    """Give options asyncpg's names, and move those that are parts of the URL."""
    query = dict(url.query)
    query.pop("channel_binding", None)  # asyncpg decides by itself
    for alias, name in ALIASES.items():
        if alias in query:
            if name in query:
                raise ValueError(f"has both {alias} and {name}: remove one")
            query[name] = query.pop(alias)
    # SQLAlchemy hides a password only where it belongs.
    parts = {"user": url.username, "password": url.password, "database": url.database}
    moved: dict[str, str | None] = {}
    for name, present in parts.items():
        value = query.pop(name, "")
        if not isinstance(value, str) or (value and present):
            raise ValueError(f"names its {name} twice: remove one")
        moved[name] = value or present
    return url.set(
        username=moved["user"],
        password=moved["password"],
        database=moved["database"],
        query=query,
    )


def _check_options(query: Mapping[str, str | tuple[str, ...]]) -> None:
    for name, instead in INSTEAD.items():
        if name in query:
            raise ValueError(f"has the option {name}: remove it, and {instead}")
    if query.keys() - OPTIONS:
        known = ", ".join(sorted(OPTIONS - {"ssl"} | {"sslmode"}))
        raise ValueError(
            f"has an option that does not work here; those that do: {known}; {ESCAPES}"
        )
    for name, values in VALUES.items():
        if name in query and query[name] not in values:
            written = "sslmode" if name == "ssl" else name
            raise ValueError(f"has an unknown {written}: write one of {', '.join(values)}")
    for name in ("passfile", "krbsrvname"):
        if not isinstance(query.get(name, ""), str):
            raise ValueError(f"has {name} twice: remove one")


def _check_parts(url: URL) -> None:
    for part, text in (("user", url.username), ("name", url.database), ("password", url.password)):
        if text and _CONTROLS.search(str(text)):
            raise ValueError(f"has a {part} with a control character or bytes that are no UTF-8")
    if ":" in (url.username or "") or _MISPLACED.search(url.database or ""):
        raise ValueError(f"must look like {FORM}; {ESCAPES}")
    passfile = url.query.get("passfile")
    if isinstance(passfile, str) and not Path(passfile).is_file():
        raise ValueError("has a passfile that is not there")


def _check_address(url: URL) -> None:
    try:
        _, options = url.get_dialect()().create_connect_args(url)
    except (ArgumentError, ValueError):
        raise ValueError(
            "names several hosts wrongly: write each as host=name:5432, joined by &"
        ) from None
    hosts, ports = options.get("host") or [], options.get("port", 5432)
    for host in [hosts] if isinstance(hosts, str) else hosts:
        if not _HOST.fullmatch(host):
            raise ValueError(
                f"has a host that is none: it must look like {FORM}, or for a socket like"
                " postgresql://user@/name?host=/run/postgresql"
            )
    for port in [ports] if isinstance(ports, int) else ports:
        if not 1 <= port <= 65535:
            raise ValueError("has a port that is not between 1 and 65535")


def _check_certificate(url: URL) -> None:
    mode = str(url.query.get("ssl", ""))
    given = os.environ.get("PGSSLROOTCERT")
    if not (mode.startswith("verify-") or (mode == "require" and given)):
        return
    try:
        file = Path(given or "~/.postgresql/root.crt").expanduser()
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except (OSError, RuntimeError):  # not there, no certificate, no home
        raise ValueError(
            f"has sslmode={mode}, which needs a certificate to compare with: set PGSSLROOTCERT in"
            " the environment to the file of your provider's"
        ) from None


def is_weak(given: SecretStr) -> bool:
    """Judge the password of a URL; a URL without one leaves the proof to a socket or certificate."""
    url = make_url(given.get_secret_value())
    password = url.password
    return password is not None and (
        len(password) < SHORTEST_PASSWORD
        or password.lower() in WEAK_PASSWORDS | {url.username, url.database}
    )


def asks_for_standby(given: SecretStr) -> bool:
    """Tell whether the URL accepts only servers that refuse to write."""
    wanted = make_url(given.get_secret_value()).query.get("target_session_attrs")
    return wanted in {"standby", "read-only"}
