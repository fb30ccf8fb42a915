"""What keeps the suite itself strict."""

from tests.sabotages.sabotage import Sabotage

WATCHDOG = "tests/harness/watchdog.py"
STATE = "tests/harness/state.py"
LEAKS = "tests/harness/leaks.py"
IN_LEAKS = "tests/unit/test_leaks.py"

SABOTAGES = [
    Sabotage(
        "one loop for all tests",
        "pyproject.toml",
        'asyncio_default_test_loop_scope = "session"\n',
        "",
        "tests/integration/test_smoke.py::test_db_session_connects",
    ),
    Sabotage(
        "one loop for all fixtures",
        "pyproject.toml",
        'asyncio_default_fixture_loop_scope = "session"\n',
        'asyncio_default_fixture_loop_scope = "function"\n',
        "tests/integration/test_products.py::test_an_empty_list_is_a_page",
    ),
    Sabotage(
        "a warning is an error",
        "pyproject.toml",
        '    "error",\n',
        "",
        "tests/unit/test_configuration.py::test_a_warning_is_an_error",
    ),
    Sabotage(
        "what is misspelt stops the run",
        "pyproject.toml",
        "strict = true\n",
        "",
        "tests/unit/test_configuration.py::test_what_is_misspelt_stops_the_run",
    ),
    Sabotage(
        "every test has a limit",
        "pyproject.toml",
        "timeout = 30.0",
        "timeout = 0.0",
        "tests/unit/test_configuration.py::test_every_test_has_a_limit",
    ),
    Sabotage(
        "tests run on the loop of production",
        "tests/fixtures/loop.py",
        "import uvloop\n",
        "import asyncio as uvloop\n",
        "tests/unit/test_configuration.py::test_the_loop_is_the_one_of_production",
    ),
    Sabotage(
        "what hangs ends, even when it holds the GIL",
        WATCHDOG,
        "exit=True, file=self._report",
        "exit=False, file=self._report",
        f"{IN_LEAKS}::test_what_hangs_is_named_and_ends",
    ),
    Sabotage(
        "what hangs is named",
        WATCHDOG,
        "IFS= read -r hanging <&2\n",
        "",
        f"{IN_LEAKS}::test_what_hangs_is_named_and_ends",
    ),
    Sabotage(
        "the environment is restored after a test",
        STATE,
        "    State(_read_environment, _restore_environment),\n",
        "",
        f"{IN_LEAKS}::test_state_that_a_test_changes_is_restored",
    ),
    Sabotage(
        "the log is restored after a test",
        STATE,
        "    State(lambda: ROOT_LOGGER.manager.disable, logging.disable),\n",
        "",
        f"{IN_LEAKS}::test_state_that_a_test_changes_is_restored",
    ),
    Sabotage(
        "what a fixture of a wider scope sets stays until its end",
        LEAKS,
        "        self.parts = [*map(_merge, self.parts, before, _read())]\n",
        "",
        f"{IN_LEAKS}::test_what_a_wider_fixture_sets_stays",
    ),
    Sabotage(
        "a test that leaves a thread is told so",
        LEAKS,
        "    Kind(_read_threads, _end_threads),\n",
        "",
        f"{IN_LEAKS}::test_a_thread_that_goes_on_is_named",
    ),
]
