"""Logs of the application and its libraries in one form: JSON for machines, or lines for people."""

import logging
import re
import sys
from contextlib import suppress
from functools import partial
from io import StringIO
from typing import TextIO

import structlog

from app.core.observability.telemetry import add_trace
from app.settings import Settings

HANDLER = "app"

JSON: list[structlog.typing.Processor] = [
    structlog.processors.format_exc_info,
    # In ASCII: what a terminal obeys, or an editor takes for the end of a line, is escaped.
    structlog.processors.JSONRenderer(),
]


class Lines:
    """Writes lines. As with the standard library's handlers, nothing fails for want of a log."""

    def __init__(self, stream: TextIO, name: str = "") -> None:
        self.name = name
        self._stream = stream

    def write(self, line: str) -> None:
        with suppress(OSError, ValueError):  # the disk is full, the reader has gone, it is closed
            self._stream.write(line + "\n")

    debug = info = warning = error = critical = write


def configure(settings: Settings) -> None:
    """Format every record of this process; calling it again replaces what it did before."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        add_trace,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderers = JSON if settings.logs_json else _console()
    structlog.configure(
        # Not by way of the standard library, whose records double what a line costs.
        processors=[*shared, *renderers],
        logger_factory=partial(Lines, sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
    )
    handler = logging.StreamHandler()
    handler.set_name(HANDLER)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *renderers,
            ],
        )
    )
    # request_log.py has logged these already, with the request's id.
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    # It writes whole URLs, and with them what is secret in a query.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # It names its plugins when readiness first reads the migrations.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    root = logging.getLogger()
    # Only our own handler: others belong to whoever put them there, pytest for one.
    root.handlers = [other for other in root.handlers if other.get_name() != HANDLER]
    root.addHandler(handler)
    root.setLevel(settings.log_level)


def _is_news(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Exception in ASGI application")


def _console() -> list[structlog.typing.Processor]:
    return [
        escape,
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_indented),
    ]


# Controls, of C1 too; marks that turn the direction of writing; ends of lines; lone surrogates.
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def readable(text: str) -> str:
    """Escape what would command a terminal or end a line."""
    return _OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)


def escape(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Keep each record on its line; JSON does so by itself."""
    return {
        name: readable(value) if isinstance(value, str) else value for name, value in event.items()
    }


def _indented(out: TextIO, exc_info: structlog.typing.ExcInfo) -> None:
    """Write a traceback so that no line of a message looks like a record."""
    traceback = StringIO()
    structlog.dev.plain_traceback(traceback, exc_info)
    out.writelines(f"\n    {readable(line)}" for line in traceback.getvalue().splitlines())
