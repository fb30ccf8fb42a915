"""pytest plugin: isolation, databases, leak checks, and the fixtures in devkit/README.md."""

pytest_plugins = [
    "devkit.fixtures.layers",  # tests/unit is `unit`, and so on; what each may use
    "devkit.fixtures.skips",  # in CI, a skip is a failure
    "devkit.fixtures.leaks",  # what a test leaves behind
    "devkit.fixtures.memory",  # modules are not searched for garbage
    "devkit.fixtures.loop",  # uvloop, as in production
    "devkit.fixtures.names",  # unique_resource_name, folder
    "devkit.fixtures.postgres",  # postgres, databases
    "devkit.fixtures.database",  # engine, database, session
    "devkit.fixtures.migrations",  # migrating, own_revisions
    "devkit.fixtures.queries",  # queries
    "devkit.fixtures.failures",  # what a failing test shows
    "devkit.fixtures.sample_app",  # a small application and its table, for tests of app/core
    "devkit.fixtures.settings",  # override_settings
    "devkit.fixtures.server",  # server, live_client
]
