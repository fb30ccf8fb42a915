"""Spans, metrics and slow queries, as an exporter or a reader of the log sees them."""

from collections.abc import AsyncGenerator

import pytest
import structlog
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from app.core.db import Database, ReadSession, get_database
from app.core.db.database import open_database
from app.core.observability import telemetry
from app.main import create_app
from tests.harness.clients import client_of
from tests.harness.databases import settings_for

SLOW = 0.02


@pytest.fixture
async def observed(engine: AsyncEngine) -> AsyncGenerator[Database]:
    """The application's own ``Database``, to which a statement is slow after 20 ms."""
    settings = settings_for(engine.url).model_copy(update={"database_slow_query": SLOW})
    async with open_database(settings) as database:
        yield database


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """The spans that have ended."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    requests = {**telemetry.REQUESTS, "tracer_provider": provider}
    monkeypatch.setattr(telemetry, "REQUESTS", requests)
    monkeypatch.setattr(telemetry, "tracer", provider.get_tracer("test"))
    return exporter


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> InMemoryMetricReader:
    """What was measured."""
    reader = InMemoryMetricReader()
    requests = {**telemetry.REQUESTS, "meter_provider": MeterProvider([reader])}
    monkeypatch.setattr(telemetry, "REQUESTS", requests)
    return reader


def make_app(database: Database) -> FastAPI:
    """Make the application with a route that runs the SQL that it is given."""
    app = create_app()
    app.dependency_overrides[get_database] = lambda: database

    @app.get("/run/{name}")
    async def run(name: str, sql: str, session: ReadSession) -> str:
        await session.execute(text(sql))
        return name

    return app


async def test_a_request_and_its_queries_are_one_trace(
    spans: InMemorySpanExporter, observed: Database
) -> None:
    callers = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    async with client_of(make_app(observed)) as client:
        query = {"sql": "SELECT 'a' AS letter"}
        await client.get("/run/a", params=query, headers={"traceparent": callers})

    sql, request = spans.get_finished_spans()
    assert (request.name, sql.name) == ("GET /run/{name}", "SELECT")
    assert request.attributes is not None
    assert request.attributes["http.route"] == "/run/{name}"
    assert sql.attributes == {
        "db.system.name": "postgresql",
        "db.operation.name": "SELECT",
        "db.query.text": "SELECT 'a' AS letter",
    }
    assert sql.parent == request.context
    assert trace.format_trace_id(request.context.trace_id) == callers.split("-")[1]


async def test_a_query_that_fails_marks_its_span_and_tells_no_data(
    spans: InMemorySpanExporter, observed: Database
) -> None:
    async with client_of(make_app(observed)) as client:
        await client.get("/run/a", params={"sql": "SELECT CAST('secret' || '7' AS integer)"})

    sql, _ = spans.get_finished_spans()
    assert sql.status.status_code is trace.StatusCode.ERROR
    assert sql.attributes is not None
    assert sql.attributes["error.type"] == "22P02"
    assert "secret7" not in sql.to_json()


@pytest.mark.parametrize("name", ["first", "second"])
async def test_a_request_is_measured_by_its_route(
    metrics: InMemoryMetricReader, observed: Database, name: str
) -> None:
    async with client_of(make_app(observed)) as client:
        await client.get(f"/run/{name}", params={"sql": "SELECT 1"})

    data = metrics.get_metrics_data()
    assert data is not None
    points = {
        metric.name: point
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
        for point in metric.data.data_points
    }
    point = points["http.server.request.duration"]
    assert isinstance(point, HistogramDataPoint)
    assert point.count == 1
    assert point.attributes is not None
    assert point.attributes["http.route"] == "/run/{name}"


async def test_a_slow_query_is_in_the_log_with_its_request_and_without_its_parameters(
    observed: Database,
) -> None:
    with (
        capture_logs([structlog.contextvars.merge_contextvars]) as lines,
        structlog.contextvars.bound_contextvars(request_id="r-1"),
    ):
        async with observed.read() as session:
            await session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": SLOW})

    (line,) = lines
    assert (line["event"], line["request_id"]) == ("slow_query", "r-1")
    assert line["statement"] == "SELECT pg_sleep($1)"
    assert line["ms"] >= SLOW * 1000


async def run_too_long(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("SET LOCAL statement_timeout = '50ms'"))
        await session.execute(text("SELECT pg_sleep(1)"))


async def test_a_slow_query_that_fails_is_in_the_log_too(observed: Database) -> None:
    with capture_logs() as lines, pytest.raises(DBAPIError):
        await run_too_long(observed)

    assert ("slow_query", "SELECT pg_sleep(1)") in [
        (line["event"], line["statement"]) for line in lines
    ]


async def test_a_fast_query_is_not_in_the_log(engine: AsyncEngine) -> None:
    with capture_logs() as lines:
        async with open_database(settings_for(engine.url)) as database, database.read() as session:
            await session.execute(text("SELECT 1"))

    assert lines == []
