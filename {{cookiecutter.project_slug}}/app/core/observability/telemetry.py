"""What the service tells of itself: slow queries in its log, and spans and metrics to OpenTelemetry.

OpenTelemetry is on when OTEL_EXPORTER_OTLP_ENDPOINT is set and the extra ``otel`` is installed. FastAPI
makes the spans and metrics of requests itself. Those of SQL are made here: OpenTelemetry's own package
for SQLAlchemy stops at 2.0. https://opentelemetry.io/docs/specs/semconv/database/database-spans/
"""

import os
from collections.abc import MutableMapping
from time import perf_counter
from typing import Any

import structlog
from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine

from app.settings import project

logger = structlog.get_logger(__name__)
tracer = trace.get_tracer(__name__)

STATEMENT_MAX = 1000
"""Characters of a statement in a log line or span."""

REQUESTS: TelemetryConfig = {
    "auto_configure": True,  # from OTEL_*; where none is set, this does nothing
    "logs": False,  # the log has it already, with the trace's id
    "operation_spans": False,  # a span for each dependency says little
}


def name_service() -> None:
    """Let spans bear the project's name and version, unless the environment gives others."""
    given = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    ours = f"service.name={project.name},service.version={project.version}"
    if not given.startswith(ours):
        os.environ["OTEL_RESOURCE_ATTRIBUTES"] = f"{ours},{given}".rstrip(",")


def add_trace(_: Any, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put the ids of the trace and span into a log line, if there is one."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        line["trace_id"] = trace.format_trace_id(context.trace_id)
        line["span_id"] = trace.format_span_id(context.span_id)
    return line


def observe(engine: AsyncEngine, slow: float) -> None:
    """Log each statement that takes longer, in seconds, and make a span of it in a traced request."""

    def begin(
        _: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _m: Any
    ) -> None:
        # Nothing is made for a request that nobody traces.
        recording = trace.get_current_span().is_recording()
        context.observed = perf_counter(), _start_span(statement) if recording else None

    def end(_: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _m: Any) -> None:
        started, span = context.observed
        elapsed = perf_counter() - started
        if span:
            span.end()
        if elapsed >= slow:
            ms = round(elapsed * 1000, 1)
            logger.warning("slow_query", ms=ms, statement=statement[:STATEMENT_MAX])

    def fail(error: ExceptionContext) -> None:
        started, span = getattr(error.execution_context, "observed", (0.0, None))
        if span:
            cause = error.original_exception
            kind = getattr(cause, "sqlstate", None) or type(cause).__name__
            span.set_attribute("error.type", kind)
            span.set_status(trace.StatusCode.ERROR)  # without the message, which may hold data
        if started:
            end(None, None, error.statement or "", None, error.execution_context, None)

    event.listen(engine.sync_engine, "before_cursor_execute", begin)
    event.listen(engine.sync_engine, "after_cursor_execute", end)
    event.listen(engine.sync_engine, "handle_error", fail)


def _start_span(statement: str) -> trace.Span:
    operation = statement.split(maxsplit=1)[0].upper()
    return tracer.start_span(
        operation,
        kind=trace.SpanKind.CLIENT,
        attributes={
            "db.system.name": "postgresql",
            "db.operation.name": operation,
            "db.query.text": statement[:STATEMENT_MAX],
        },
    )
