"""What the service makes of its settings, its logs and its end."""

from tests.sabotages.sabotage import Sabotage

LOGGING = "app/core/observability/logging.py"
OUTPUT = "app/core/observability/output.py"
SERVER = "app/core/http/server.py"
SETTINGS = "app/settings.py"
DATABASE_URL = "app/database_url.py"
HEALTH = "app/features/health/router.py"

IN_INPUT = "tests/integration/test_input.py"
IN_LOGGING = "tests/unit/test_logging.py"
IN_SETTINGS = "tests/unit/test_settings.py"
IN_LIFE = "tests/e2e/test_life.py"

SABOTAGES = [
    Sabotage(
        "the form of the logs can be told",
        SETTINGS,
        'return self.log_format == "json"',
        'return self.environment == "production"',
        f"{IN_SETTINGS}::test_logs_are_for_people_in_development_unless_told_otherwise",
    ),
    Sabotage(
        "a record stays on its line in development",
        LOGGING,
        "        escape,\n",
        "",
        f"{IN_LOGGING}::test_no_text_forges_a_line_or_commands_a_terminal",
    ),
    Sabotage(
        "a record commands no terminal in production",
        LOGGING,
        "structlog.processors.JSONRenderer()",
        "structlog.processors.JSONRenderer(ensure_ascii=False)",
        f"{IN_LOGGING}::test_no_text_forges_a_line_or_commands_a_terminal",
    ),
    Sabotage(
        "the URL of a request to another service is not logged",
        LOGGING,
        "        logging.getLogger(client).setLevel(logging.WARNING)\n",
        "        logging.getLogger(client).setLevel(logging.INFO)\n",
        f"{IN_LOGGING}::test_the_url_of_a_request_to_another_service_is_not_logged",
    ),
    Sabotage(
        "a log that cannot be written fails nothing",
        OUTPUT,
        "with suppress(OSError, ValueError):",
        "with suppress(KeyError):",
        f"{IN_LOGGING}::test_a_log_that_cannot_be_written_fails_nothing",
    ),
    Sabotage(
        "a reader of the log that stalls stops nothing",
        OUTPUT,
        "        return self._poll.poll(0) == [(self._descriptor, select.POLLOUT)]\n",
        "        return True\n",
        "tests/unit/test_output.py::test_a_reader_that_stalls_stops_nothing_and_gets_all",
    ),
    Sabotage(
        "a large line stops nothing",
        OUTPUT,
        " and len(data) <= ATOMIC and self._fits():",
        " and self._fits():",
        "tests/unit/test_output.py::test_a_line_larger_than_a_pipe_stops_nothing",
    ),
    Sabotage(
        "dropped lines are counted",
        OUTPUT,
        "            self._dropped += 1\n            return\n",
        "            return\n",
        "tests/unit/test_output.py::test_dropped_lines_are_counted_in_a_later_one",
    ),
    Sabotage(
        "no query of a WebSocket is logged",
        LOGGING,
        """    if Path(record.pathname).parent.name == "websockets":\n""",
        """    if Path(record.pathname).parent.name == "no":\n""",
        f"{IN_LOGGING}::test_what_uvicorn_says_of_a_websocket_is_not_logged",
    ),
    Sabotage(
        "a traceback fits on a screen",
        "app/core/observability/tracebacks.py",
        "    if len(lines) > LINES_MAX:\n",
        "    if not lines:\n",
        f"{IN_LOGGING}::test_a_traceback_fits_on_a_screen",
    ),
    Sabotage(
        "a process that still imports hears SIGTERM",
        "app/__main__.py",
        "signal.signal(signal.SIGTERM, lambda *_: os._exit(0))\n\nimport socket\nimport sys\n",
        "import socket\nimport sys\nimport uvicorn.config\nsignal.signal(signal.SIGTERM, lambda *_: os._exit(0))\n",
        "tests/e2e/test_stop.py::test_a_process_that_still_imports_hears_sigterm",
    ),
    Sabotage(
        "a message of an exception cannot begin a line",
        LOGGING,
        ", exception_formatter=_indented",
        "",
        f"{IN_LOGGING}::test_a_message_of_an_exception_cannot_begin_a_line",
    ),
    Sabotage(
        "production refuses a weak password",
        DATABASE_URL,
        "        or password.lower() in WEAK_PASSWORDS | {url.username, url.database}\n",
        "",
        f"{IN_SETTINGS}::test_production_refuses_a_weak_password_in_one_line_without_it",
    ),
    Sabotage(
        "production refuses the password of the example",
        DATABASE_URL,
        '    "development-only",  # the example\'s, in compose.yaml\n',
        "",
        f"{IN_SETTINGS}::test_production_refuses_the_password_of_the_example",
    ),
    Sabotage(
        "production has to name its hosts",
        SETTINGS,
        'if not self.allowed_hosts and self.environment == "development":',
        "if not self.allowed_hosts:",
        f"{IN_SETTINGS}::test_production_has_to_name_its_hosts",
    ),
    Sabotage(
        "who only reads asks the replica",
        "app/core/db/database.py",
        "self._reads = replica_reads or reads",
        "self._reads = reads",
        "tests/integration/test_replica.py::test_who_only_reads_asks_the_replica",
    ),
    Sabotage(
        "who stops is not ready",
        HEALTH,
        "    if stopping.is_set():\n",
        "    if not stopping:\n",
        f"{IN_INPUT}::test_who_stops_is_not_ready_but_alive",
    ),
    Sabotage(
        "a SIGTERM is said at once",
        SERVER,
        "        stopping.set()\n",
        "",
        f"{IN_LIFE}::test_told_to_stop_it_says_so_and_serves_on_for_a_while",
    ),
    Sabotage(
        "a stop that was asked for is no failure",
        "app/__main__.py",
        "os._exit(0)",
        "os._exit(1)",
        "tests/e2e/test_stop.py::test_a_process_that_still_imports_hears_sigterm",
    ),
    Sabotage(
        "who is told to stop serves on for a while",
        SERVER,
        "        await asyncio.sleep(self.drain)\n",
        "",
        f"{IN_LIFE}::test_told_to_stop_it_says_so_and_serves_on_for_a_while",
    ),
    Sabotage(
        "what is in flight is finished",
        "app/__main__.py",
        "grace=settings.shutdown_grace",
        "grace=0",
        "tests/e2e/test_products_stop.py::test_a_change_that_is_in_flight_is_finished_before_the_server_stops",
    ),
    Sabotage(
        "a service without a database says so once",
        HEALTH,
        "    app.state.readiness = state\n",
        "",
        f"{IN_LIFE}::test_without_a_database_it_is_alive_and_says_once",
    ),
]
