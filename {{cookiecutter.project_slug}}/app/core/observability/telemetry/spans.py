"""Spans of SQL statements: OpenTelemetry's own package for SQLAlchemy stops at 2.0.

https://opentelemetry.io/docs/specs/semconv/database/database-spans/
"""

from typing import Any

from opentelemetry import trace
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine

tracer = trace.get_tracer(__name__)

STATEMENT_MAX = 1000
"""Characters of a statement in a span."""


def trace_statements(engine: AsyncEngine) -> None:
    """Make a span of each statement in a request that is traced."""

    def begin(
        _: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _m: Any
    ) -> None:
        if trace.get_current_span().is_recording():
            context.span = _start(statement)

    def end(_: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _m: Any) -> None:
        if span := getattr(context, "span", None):
            span.end()

    def fail(error: ExceptionContext) -> None:
        if span := getattr(error.execution_context, "span", None):
            cause = error.original_exception
            kind = getattr(cause, "sqlstate", None) or type(cause).__name__
            span.set_attribute("error.type", kind)
            span.set_status(trace.StatusCode.ERROR)  # without the message, which may hold data
            span.end()

    event.listen(engine.sync_engine, "before_cursor_execute", begin)
    event.listen(engine.sync_engine, "after_cursor_execute", end)
    event.listen(engine.sync_engine, "handle_error", fail)


def _start(statement: str) -> trace.Span:
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
