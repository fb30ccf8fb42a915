import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from app.core.observability.telemetry import add_trace, name_service
from app.settings import project


def test_a_log_line_has_the_ids_of_its_trace() -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("a request") as span:
        line = add_trace(None, "info", {"event": "sold"})

    known = span.get_span_context()
    assert line == {
        "event": "sold",
        "trace_id": trace.format_trace_id(known.trace_id),
        "span_id": trace.format_span_id(known.span_id),
    }


def test_a_log_line_outside_of_a_trace_stays_as_it_is() -> None:
    assert add_trace(None, "info", {"event": "sold"}) == {"event": "sold"}


@pytest.mark.parametrize(("given", "name"), [("", project.name), ("service.name=mine", "mine")])
def test_spans_bear_the_name_of_the_service(
    monkeypatch: pytest.MonkeyPatch, given: str, name: str
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", given)

    name_service()
    name_service()

    attributes = Resource.create().attributes
    assert (attributes["service.name"], attributes["service.version"]) == (name, project.version)
