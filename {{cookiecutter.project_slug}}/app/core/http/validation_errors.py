"""What a client is told of a request that is not valid: where and why, and never the value."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MOST = 20
"""Errors in one answer: a list of a thousand wrong products would make a thousand."""

LONGEST_NAME = 64
WITHHELD = "…"

_FROM_INPUT = ("error", "tag", "encoding_error", "tz_actual")
"""Keys of pydantic's context that quote the input, and go into its message."""


def shown(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Make pydantic's errors fit to be shown: a value may be a password, or come back as HTML."""
    return [
        {
            "loc": [_name(part) for part in error["loc"]],
            "msg": _message(error),
            "type": error["type"],
        }
        for error in errors[:MOST]
    ]


def _name(part: str | int) -> str | int:
    """Keep the name of a field; one that the client made up may be anything."""
    if isinstance(part, int) or (len(part) <= LONGEST_NAME and part.isprintable()):
        return part
    return WITHHELD


def _message(error: Mapping[str, Any]) -> str:
    message: str = error["msg"]
    context: Mapping[str, Any] = error.get("ctx") or {}
    for key in _FROM_INPUT:
        quoted = context.get(key)
        if isinstance(quoted, str):  # an exception is what a validator of our own says
            message = message.replace(f"'{quoted}'" if key == "tag" else quoted, WITHHELD)
    for value in _values(error.get("input")):
        message = message.replace(value, WITHHELD)
    return message.removeprefix("Value error, ")


def _values(given: object) -> Iterator[str]:
    """Yield what a validator could have put into its message; the shortest are in any sentence."""
    parts = given.values() if isinstance(given, Mapping) else [given]
    for part in parts:
        if isinstance(part, str | int | float) and len(value := str(part).strip()) > 2:
            yield value
