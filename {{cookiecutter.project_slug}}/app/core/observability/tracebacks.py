"""Tracebacks that fit on a screen: the project's own lines, and what they called last."""

import traceback
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import structlog

from app.settings import ROOT

LINES_MAX = 36
"""Lines of one traceback; a failing request prints two or three more."""

LIBRARY_FRAMES = 3
"""Frames of libraries that are shown in a row: the last."""

MIDDLEWARE = str(ROOT / "app/core/http/middleware")
PACKAGES = str(Path(structlog.__file__).parents[1])


def short_traceback(exc_info: structlog.typing.ExcInfo) -> str:
    """Format an exception as Python does, without most frames of libraries."""
    _, error, _ = exc_info
    lines = "".join(_format(traceback.TracebackException.from_exception(error))).splitlines()
    if len(lines) > LINES_MAX:
        kept = LINES_MAX // 2
        left_out = f"... {len(lines) - 2 * kept + 1} lines ..."
        lines = [*lines[: kept - 1], left_out, *lines[-kept:]]
    return "\n".join(lines)


def _format(error: traceback.TracebackException) -> Iterator[str]:
    _shorten(error)
    return error.format()


def _shorten(error: traceback.TracebackException) -> None:
    """Leave frames out of an error, and of those that it came from."""
    error.stack = traceback.StackSummary.from_list(list(_kept(error.stack)))
    for other in (error.__cause__, error.__context__, *(error.exceptions or ())):
        if other is not None:
            _shorten(other)


def _kept(stack: traceback.StackSummary) -> Iterator[traceback.FrameSummary]:
    for is_own, grouped in groupby(stack, key=_is_own):
        frames = list(grouped)
        yield from frames if is_own else frames[-LIBRARY_FRAMES:]


def _is_own(frame: traceback.FrameSummary) -> bool:
    name = frame.filename
    return name.startswith(str(ROOT)) and not name.startswith((PACKAGES, MIDDLEWARE))
