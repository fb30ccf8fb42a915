"""Types of settings: read what is clearly meant, and refuse what would start and not work."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv6Address
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

MAX_SECONDS = 2_147_483
"""PostgreSQL counts milliseconds in 32 bits."""

# Less than a millisecond is 0 to PostgreSQL, and that is no limit. Not a number and infinity are none.
Seconds = Annotated[float, Field(ge=0.001, le=MAX_SECONDS, allow_inf_nan=False)]
SecondsOrZero = Annotated[float, Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False)]
WholeSeconds = Annotated[int, Field(ge=1, le=MAX_SECONDS)]  # uvicorn takes no others


def _change(change: Callable[[str], str]) -> BeforeValidator:
    return BeforeValidator(lambda value: change(value.strip()) if isinstance(value, str) else value)


Lower = _change(str.lower)
Upper = _change(str.upper)


def _split(value: object) -> object:
    """Read ``a, b`` or ``["a", "b"]`` as a list; ``[::1]`` is an address, and no JSON."""
    if not isinstance(value, str):
        return value
    with suppress(ValueError):
        if isinstance(found := json.loads(value), list):
            return found
    return value.replace(",", " ").split()


StrList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_DEVIATIONS = frozenset("ßς\u200c\u200d")
"""Python's codec reads these otherwise than browsers do: https://www.unicode.org/reports/tr46/."""


def _as_sent(host: str) -> str:
    """Return the host as clients send it: in lower case, an IDN as xn--, IPv6 in brackets."""
    with suppress(ValueError):
        return f"[{IPv6Address(host.removeprefix('[').removesuffix(']'))}]"
    name = host.lower()
    if not name.isascii() and not _DEVIATIONS & set(name):
        name = name.encode("idna").decode("ascii")
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise ValueError("no host")
    return name


def _allowed_host(entry: str) -> str:
    """Judge one of ALLOWED_HOSTS.

    Case, a dot at the end and the way to write an IDN do not change which host it is. A scheme, port or
    path is refused: they are not compared, so more would be served than the setting says.
    """
    if entry == "*":
        return entry
    wildcard = "*." if entry.startswith("*.") else ""
    return wildcard + _as_sent(entry[len(wildcard) :].removesuffix("."))


_ORIGIN = re.compile(r"([a-z-]+)://(\[[^\]]*\]|[^/:]+)(?::([0-9]{1,5}))?/?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SCHEMES = {
    *_DEFAULT_PORTS,
    *("capacitor", "ionic", "tauri", "chrome-extension", "moz-extension", "safari-web-extension"),
}
"""What pages have that send an origin; a typing error is none of them."""


def _origin(entry: str) -> str:
    """Judge one of CORS_ORIGINS.

    A slash at the end, the scheme's own port and capitals do not change which origin it is, and no browser
    sends them. Without a scheme, or with a path, it is another thing than an origin; a ``*`` inside of one
    is compared as it stands, and equals none.
    """
    if entry == "*":
        return entry
    match = _ORIGIN.fullmatch(entry)
    if match is None or (scheme := match[1].lower()) not in _SCHEMES:
        raise ValueError("no origin")
    port = int(match[3] or _DEFAULT_PORTS.get(scheme, 0))
    if not (1 if match[3] else 0) <= port <= 65535:
        raise ValueError("no port")
    shown = "" if port == _DEFAULT_PORTS.get(scheme, 0) else f":{port}"
    return f"{scheme}://{_as_sent(match[2])}{shown}"


def _each(judge: Callable[[str], str], form: str) -> AfterValidator:
    """Judge each entry, without repeating it: it may hold what is secret."""

    def judge_all(entries: tuple[str, ...]) -> tuple[str, ...]:
        judged = []
        for number, entry in enumerate(entries, start=1):
            try:
                judged.append(judge(entry.strip()))
            except ValueError:
                raise ValueError(f"its entry {number} must be {form}") from None
        if "*" in judged and len(set(judged)) > 1:
            raise ValueError("a * includes all others: write it alone, or remove it")
        return tuple(dict.fromkeys(judged))

    return AfterValidator(judge_all)


AllowedHosts = Annotated[
    StrList,
    _each(
        _allowed_host,
        "a host alone, such as api.example.org, *.example.org or 10.0.0.1:"
        " without scheme, port and path",
    ),
]
CorsOrigins = Annotated[
    StrList,
    _each(
        _origin,
        "a scheme and a host, such as https://shop.example.org or http://localhost:3000:"
        " without a path, and with no *",
    ),
]


def _bind_address(value: str) -> str:
    try:
        return _as_sent(value.strip()).strip("[]")
    except ValueError:
        raise ValueError(
            "must be an address of this machine, such as 0.0.0.0, or its name:"
            " without scheme and port; that is PORT"
        ) from None


BindAddress = Annotated[str, AfterValidator(_bind_address)]
