"""What a developer is told: by logs and spans, by a failing test, by the guide, by make feature."""

from tests.sabotages.sabotage import Sabotage

SLOW_QUERIES = "app/core/observability/slow_queries.py"
IN_SLOW_QUERIES = "tests/integration/core/test_slow_queries.py"
TELEMETRY = "app/core/observability/telemetry/instrument.py"
SPANS = "app/core/observability/telemetry/spans.py"
IN_TELEMETRY = "tests/integration/core/test_telemetry.py"
FEATURE = "devkit/tests/unit/test_feature.py"
GUIDE = "tests/integration/test_guide.py"

SABOTAGES = [
    Sabotage(
        "a slow query is in the log",
        SLOW_QUERIES,
        "if elapsed >= slow:",
        "if elapsed >= slow * 1000:",
        f"{IN_SLOW_QUERIES}::test_a_slow_query_is_in_the_log_with_its_request",
    ),
    Sabotage(
        "a slow query that fails is in the log too",
        SLOW_QUERIES,
        "        if hasattr(",
        "        if not hasattr(",
        f"{IN_SLOW_QUERIES}::test_a_slow_query_that_fails_is_in_the_log_too",
    ),
    Sabotage(
        "a query is a span of its request",
        SPANS,
        "if trace.get_current_span().is_recording():",
        "if not trace.get_current_span().is_recording():",
        f"{IN_TELEMETRY}::test_a_request_and_its_queries_are_one_trace",
    ),
    Sabotage(
        "a query that fails marks its span",
        SPANS,
        "            span.set_status(trace.StatusCode.ERROR)  # without the message, which may hold data\n",
        "",
        f"{IN_TELEMETRY}::test_a_query_that_fails_marks_its_span_and_tells_no_data",
    ),
    Sabotage(
        "requests are measured and traced",
        "app/main.py",
        "        **instruments.fastapi_arguments(),\n",
        "",
        f"{IN_TELEMETRY}::test_a_request_is_measured_by_its_route",
    ),
    Sabotage(
        "the application observes its queries",
        "app/core/db/engine.py",
        "    log_slow_queries(engine, settings.database_slow_query)\n",
        "    log_slow_queries(engine, 3600)\n",
        f"{IN_SLOW_QUERIES}::test_a_slow_query_is_in_the_log_with_its_request",
    ),
    Sabotage(
        "a log line has the ids of its trace",
        TELEMETRY,
        "    if context.is_valid:\n",
        "    if not context.is_valid:\n",
        "tests/unit/core/test_telemetry.py::test_a_log_line_has_the_ids_of_its_trace",
    ),
    Sabotage(
        "telemetry costs nothing when it is off",
        TELEMETRY,
        "from opentelemetry import trace\n",
        "from opentelemetry import trace\nfrom opentelemetry.sdk import trace as _  # noqa: F401\n",
        "tests/e2e/core/test_telemetry.py::test_without_an_endpoint_the_sdk_is_not_loaded",
    ),
    Sabotage(
        "an instrument watches each engine",
        "app/core/db/engine.py",
        "    instruments.observe(engine)\n",
        "",
        f"{IN_TELEMETRY}::test_a_request_and_its_queries_are_one_trace",
    ),
    Sabotage(
        "the endpoint of telemetry may come from .env",
        TELEMETRY,
        "    if settings.otel_exporter_otlp_endpoint:\n",
        "    if not settings.otel_exporter_otlp_endpoint:\n",
        "tests/unit/core/test_telemetry.py::test_the_endpoint_may_come_from_the_env_file",
    ),
    Sabotage(
        "the settings of an option are found",
        "app/settings.py",
        "__base__=(Settings, *_found()),",
        "__base__=(Settings,),",
        "tests/unit/test_settings.py::test_the_example_names_every_setting_with_its_default",
    ),
    Sabotage(
        "the table of fixtures is the present one",
        "devkit/fixtures/names.py",
        "A name that no other test, worker or run has;",
        "A name;",
        f"{GUIDE}::test_the_table_of_fixtures_is_the_present_one",
    ),
    Sabotage(
        "a block of the guide is run",
        "docs/testing.md",
        "    assert sorted(response.status_code for response in responses) == [201, 409]\n",
        "    assert sorted(response.status_code for response in responses) == [201, 201]\n",
        f"{GUIDE}::test_one_of_two_who_take_a_name_at_once_is_refused",
    ),
    Sabotage(
        "what the guide calls wrong fails",
        "docs/testing.md",
        '    assert "ORDER BY products.created_at DESC LIMIT" in queries.statements[-1]\n',
        '    assert "ORDER BY products.created_at DESC" in queries.statements[-1]\n',
        f"{GUIDE}::test_a_page_is_sorted",
    ),
    Sabotage(
        "a singular that does not follow from the plural is asked for",
        "devkit/commands/feature/names.py",
        '"oes", "ves")',
        '"oes")',
        f"{FEATURE}::test_bad_input_is_refused_in_one_line",
    ),
    Sabotage(
        "a name that the code of a feature uses is refused",
        "devkit/commands/feature/files.py",
        "        if word in words:",
        "        if not word:",
        f"{FEATURE}::test_bad_input_is_refused_in_one_line",
    ),
    Sabotage(
        "a field that SQLAlchemy has for itself is refused",
        "devkit/commands/feature/names.py",
        "    if name in TAKEN or ",
        "    if ",
        f"{FEATURE}::test_bad_input_is_refused_in_one_line",
    ),
    Sabotage(
        "a reference has a table",
        "devkit/commands/feature/fields.py",
        '    raise FeatureError(\n        f"Field {field}: no model',
        '    return Reference(table, camel(table), table)\n    raise FeatureError(\n        f"Field {field}: no model',
        f"{FEATURE}::test_bad_input_is_refused_in_one_line",
    ),
    Sabotage(
        "what make feature writes is Python",
        "devkit/commands/feature/blanks/models.py.txt",
        "@enum|class $enum(StrEnum):\n",
        "@enum|class $enum(StrEnum)\n",
        f"{FEATURE}::test_written_files_are_python",
    ),
    Sabotage(
        "a feature that cannot be written leaves nothing",
        "devkit/commands/feature/__main__.py",
        "            path.rmdir() if path.is_dir() else path.unlink()\n",
        "            pass\n",
        f"{FEATURE}::test_files_written_before_an_error_are_removed",
    ),
    Sabotage(
        "a field that may be left out of a PATCH may not be null",
        "app/core/schemas.py",
        "OMITTED: Any = Field(default_factory=lambda: None)",
        "OMITTED: Any = Field(default=None)",
        "tests/unit/core/test_schemas.py::test_omitted_field_has_no_default_in_the_api",
    ),
    Sabotage(
        "a time of day has no offset",
        "app/core/schemas.py",
        'core_schema.time_schema(tz_constraint="naive")',
        "core_schema.time_schema()",
        "tests/unit/core/test_schemas.py::test_time_of_day_with_an_offset_is_refused",
    ),
]
