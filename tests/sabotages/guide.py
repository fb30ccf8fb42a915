"""What a developer is told: by logs and spans, by a failing test, by the guide, by make feature."""

from tests.sabotages.sabotage import Sabotage

TELEMETRY = "app/core/observability/telemetry.py"
IN_TELEMETRY = "tests/integration/test_telemetry.py"
FEATURE = "tests/unit/test_feature.py"
GUIDE = "tests/integration/test_guide.py"

SABOTAGES = [
    Sabotage(
        "a slow query is in the log",
        TELEMETRY,
        "if elapsed >= slow:",
        "if elapsed >= slow * 1000:",
        f"{IN_TELEMETRY}::test_a_slow_query_is_in_the_log_with_its_request",
    ),
    Sabotage(
        "a slow query that fails is in the log too",
        TELEMETRY,
        "        if started:\n            end(",
        "        if not started:\n            end(",
        f"{IN_TELEMETRY}::test_a_slow_query_that_fails_is_in_the_log_too",
    ),
    Sabotage(
        "a query is a span of its request",
        TELEMETRY,
        "recording = trace.get_current_span().is_recording()",
        "recording = False",
        f"{IN_TELEMETRY}::test_a_request_and_its_queries_are_one_trace",
    ),
    Sabotage(
        "a query that fails marks its span",
        TELEMETRY,
        "            span.set_status(trace.StatusCode.ERROR)  # without the message, which may hold data\n",
        "",
        f"{IN_TELEMETRY}::test_a_query_that_fails_marks_its_span_and_tells_no_data",
    ),
    Sabotage(
        "requests are measured and traced",
        "app/main.py",
        "        telemetry=telemetry.REQUESTS,\n",
        "",
        f"{IN_TELEMETRY}::test_a_request_is_measured_by_its_route",
    ),
    Sabotage(
        "the application observes its queries",
        "app/core/db/engine.py",
        "    observe(engine, settings.database_slow_query)\n",
        "    observe(engine, 3600)\n",
        f"{IN_TELEMETRY}::test_a_slow_query_is_in_the_log_with_its_request",
    ),
    Sabotage(
        "a log line has the ids of its trace",
        TELEMETRY,
        "    if context.is_valid:\n",
        "    if not context.is_valid:\n",
        "tests/unit/test_telemetry.py::test_a_log_line_has_the_ids_of_its_trace",
    ),
    Sabotage(
        "telemetry costs nothing when it is off",
        TELEMETRY,
        "from opentelemetry import trace\n",
        "from opentelemetry import trace\nfrom opentelemetry.sdk import trace as _  # noqa: F401\n",
        "tests/e2e/test_life.py::test_telemetry_that_is_off_is_not_imported",
    ),
    Sabotage(
        "the table of fixtures is the present one",
        "tests/fixtures/names.py",
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
        "a singular that no rule is sure of is asked for",
        "tools/feature/names.py",
        '    (r"(u|o|v|ch|zz)es$|uses$", None),',
        '    (r"(u|v|ch|zz)es$|uses$", None),',
        f"{FEATURE}::test_a_singular_that_no_rule_is_sure_of_is_asked_for",
    ),
    Sabotage(
        "a name that the code of a feature uses is refused",
        "tools/feature/refusals.py",
        "        if word in vocabulary():",
        "        if not word:",
        f"{FEATURE}::test_a_name_that_no_feature_can_have_is_refused",
    ),
    Sabotage(
        "a feature that cannot be written leaves nothing",
        "tools/feature/files.py",
        "            path.rmdir() if path.is_dir() else path.unlink()\n",
        "            pass\n",
        f"{FEATURE}::test_a_file_that_cannot_be_written_leaves_none_behind",
    ),
]
