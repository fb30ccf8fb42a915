"""What keeps the suite itself strict."""

from tests.sabotages.sabotage import Sabotage

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
        'timeout = "30"',
        'timeout = "0"',
        "tests/unit/test_configuration.py::test_every_test_has_a_limit",
    ),
    Sabotage(
        "tests run on the loop of production",
        "tests/fixtures/loop.py",
        "import uvloop\n",
        "import asyncio as uvloop\n",
        "tests/unit/test_configuration.py::test_the_loop_is_the_one_of_production",
    ),
]
