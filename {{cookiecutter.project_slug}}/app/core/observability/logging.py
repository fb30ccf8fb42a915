"""Logs of the application and its libraries in one form: JSON for machines, or lines for people."""

import logging
import re
import sys
from functools import partial
from pathlib import Path
from typing import TextIO

import structlog

from app.core.observability.output import Output
from app.core.observability.telemetry import add_trace
from app.core.observability.tracebacks import short_traceback
from app.settings import Settings

HANDLER = "app"

JSON: list[structlog.typing.Processor] = [
    structlog.processors.ExceptionRenderer(short_traceback),
    # In ASCII: what a terminal obeys, or an editor takes for the end of a line, is escaped.
    structlog.processors.JSONRenderer(),
]

FLUSH_TIMEOUT = 1.0
"""Seconds that the end of the process waits for the reader of the log."""


class Lines:
    """structlog's innermost logger: it gets a line as it is to be written."""

    def __init__(self, output: Output, name: str = "") -> None:
        self.name = name
        self.write = output.write
        self.debug = self.info = self.warning = self.error = self.critical = output.write


class LibraryHandler(logging.Handler):
    """Write the records of the standard library's loggers to the same output."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self.output = output

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.output.write(self.format(record))
        except Exception:
            self.handleError(record)


def _say_dropped(count: int) -> None:
    structlog.get_logger(__name__).warning("log_lines_dropped", count=count)


def flush() -> None:
    """Give the reader of the log a moment to take what is left."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LibraryHandler):
            handler.output.flush(FLUSH_TIMEOUT)


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
    output = Output(sys.stderr, dropped=_say_dropped)
    structlog.configure(
        # Not by way of the standard library, whose records double what a line costs.
        processors=[*shared, *renderers],
        logger_factory=partial(Lines, output),
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
    )
    handler = LibraryHandler(output)
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
    uvicorn = logging.getLogger("uvicorn.error")
    uvicorn.addFilter(_is_news)
    # Below, it writes the head of a WebSocket's request, with its cookies.
    uvicorn.setLevel(max(logging.INFO, logging.getLevelNamesMapping()[settings.log_level]))
    # Clients write whole URLs, and with them what is secret in a query.
    for client in ("httpx", "websockets"):
        logging.getLogger(client).setLevel(logging.WARNING)
    # It names its plugins when readiness first reads the migrations.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    root = logging.getLogger()
    # Only our own handler: others belong to whoever put them there, pytest for one.
    root.handlers = [other for other in root.handlers if other.get_name() != HANDLER]
    root.addHandler(handler)
    root.setLevel(settings.log_level)


def _is_news(record: logging.LogRecord) -> bool:
    """Drop what middleware/ has logged already, with the request's id and without its query.

    That is all that uvicorn's and websockets' modules for WebSockets say, from whole URLs to errors
    of the client with a traceback.
    """
    if Path(record.pathname).parent.name == "websockets":
        return False
    return not str(record.msg).startswith(
        ("Exception in ASGI application", "ASGI callable returned")
    )


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
        # Nearly all are printable, which costs a fifth to find out.
        name: readable(value) if isinstance(value, str) and not value.isprintable() else value
        for name, value in event.items()
    }


def _indented(out: TextIO, exc_info: structlog.typing.ExcInfo) -> None:
    """Write a traceback so that no line of a message looks like a record."""
    out.writelines(f"\n    {readable(line)}" for line in short_traceback(exc_info).splitlines())
