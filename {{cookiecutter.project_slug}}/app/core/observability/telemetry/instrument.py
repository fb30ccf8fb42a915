"""Spans and metrics, sent to an OpenTelemetry collector when OTEL_EXPORTER_OTLP_ENDPOINT is set.

FastAPI makes the spans and metrics of requests itself; ``spans.py`` makes the spans of SQL.
"""

import os
from collections.abc import MutableMapping
from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace

from app.core.observability.telemetry.settings import TelemetrySettings
from app.core.observability.telemetry.spans import trace_statements
from app.settings import project

REQUESTS: TelemetryConfig = {
    "auto_configure": True,  # from OTEL_*; where none is set, this does nothing
    "logs": False,  # the log has it already, with the trace's id
    "operation_spans": False,  # a span for each dependency says little
}


def configure(settings: TelemetrySettings) -> None:
    """Pass the name of the service, and what ``.env`` says, to OpenTelemetry, which reads the environment."""
    given = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    ours = f"service.name={project.name},service.version={project.version}"
    if not given.startswith(ours):  # of two values for one name, the last is taken
        os.environ["OTEL_RESOURCE_ATTRIBUTES"] = f"{ours},{given}".rstrip(",")
    if settings.otel_exporter_otlp_endpoint:
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = str(settings.otel_exporter_otlp_endpoint)


def add_trace(_: Any, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put the ids of the trace and span into a log line, if there is one."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        line["trace_id"] = trace.format_trace_id(context.trace_id)
        line["span_id"] = trace.format_span_id(context.span_id)
    return line


FASTAPI = {"telemetry": REQUESTS}
PROCESSORS = [add_trace]
observe = trace_statements
