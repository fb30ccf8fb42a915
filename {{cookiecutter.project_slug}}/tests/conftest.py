"""Where each fixture lives; a factory is found by the name of its file."""

from pathlib import Path

import pytest

from tests.harness.environment import isolate

# The developer's environment and .env reach no test, apart from the variables that you name here.
isolate(keep=[])

# A factory may import another one, which pytest would then find imported before its turn.
pytest.register_assert_rewrite("tests.factories", "tests.fixtures")

pytest_plugins = [
    "tests.fixtures.layers",  # tests/unit is `unit`, and so on; what each may use
    "tests.fixtures.skips",  # in CI, a skip is a failure
    "tests.fixtures.leaks",  # what a test leaves behind
    "tests.fixtures.memory",  # what was imported costs no more time
    "tests.fixtures.loop",  # uvloop, as in production
    "tests.fixtures.names",  # unique_resource_name
    "tests.fixtures.postgres",  # databases: made, cloned, removed
    "tests.fixtures.database",  # engine, database, session
    "tests.fixtures.migrations",  # migrating, own_revisions
    "tests.fixtures.queries",  # queries
    "tests.fixtures.failures",  # what a failing test shows
    "tests.fixtures.canaries",  # what the harness is tested with
    "tests.fixtures.http",  # app, client
    "tests.fixtures.settings",  # override_settings
    "tests.fixtures.server",  # server, live_client
    *(f"tests.factories.{path.stem}" for path in Path(__file__).parent.glob("factories/[a-z]*.py")),
]
