"""Logs of the application and its libraries in one form: JSON in production, else readable."""

import logging
import sys

import structlog

from app.core.settings import Settings
from app.core.telemetry import add_trace

HANDLER = "app"


def configure(settings: Settings) -> None:
    """Format every record of this process; calling it again replaces what it did before."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        add_trace,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler()
    handler.set_name(HANDLER)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(production=settings.environment == "production"),
            ],
        )
    )
    # request_log.py has logged these already, with the request's id.
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    root = logging.getLogger()
    # Only our own handler: others belong to whoever put them there, pytest for one.
    root.handlers = [other for other in root.handlers if other.get_name() != HANDLER]
    root.addHandler(handler)
    root.setLevel(settings.log_level)


def _is_news(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Exception in ASGI application")


def _renderers(*, production: bool) -> list[structlog.typing.Processor]:
    if production:
        return [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
