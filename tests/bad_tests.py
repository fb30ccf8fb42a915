"""Tests that a user should not have written, and what the suite of a baked project says of each."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class BadTest(NamedTuple):
    """``source``, put at ``path``, must end the run red, with ``said`` in its output."""

    fault: str
    path: str
    source: str
    said: str
    arguments: tuple[str, ...] = ()
    """What pytest gets as well."""
    files: Mapping[str, str] = MappingProxyType({})
    """What stands in the project as well."""


UNIT, INTEGRATION = "tests/unit/test_bad.py", "tests/integration/test_bad.py"

HANGING_FIXTURE = """
import asyncio
import pytest

@pytest.fixture
async def hanging():
    yield
    await asyncio.Event().wait()

async def test_bad(hanging):
    assert {outcome}
"""

LEAKING_AND_BROKEN = """
import pytest

KEPT = []

@pytest.fixture
def broken():
    yield
    assert False

async def test_bad(engine, broken):
    KEPT.append(await engine.connect())

async def test_innocent(engine): ...
"""

GOOD = "def test_good(): ..."

ENDS_IN_ITS_TIME = "The test took more than 5 s."

HANGS = "hangs: it took more than 5 s. Stack traces:"

BACKTRACKING = "re.match('(a|aa)+$', 'a' * 60 + 'b')"
"""Hours in one call of C code that holds the GIL."""

SHIELDED = """
import asyncio

async def test_bad():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass
"""

SESSION_FIXTURE = """
import time
import pytest

@pytest.fixture(scope="session")
def slow():
    {setup}
    yield
    {teardown}

def test_bad(slow): ...
"""

HANGING_TESTS = [
    BadTest(
        "an await that never ends",
        INTEGRATION,
        "import asyncio\n\nasync def test_bad(session):\n    await asyncio.Event().wait()",
        ENDS_IN_ITS_TIME,
    ),
    BadTest(
        "a call that never ends",
        INTEGRATION,
        "import time\n\ndef test_bad():\n    time.sleep(60)",
        ENDS_IN_ITS_TIME,
    ),
    BadTest(
        "a lock that is taken twice",
        UNIT,
        "import threading\n\ndef test_bad():\n    lock = threading.Lock()\n"
        "    lock.acquire()\n    lock.acquire()",
        ENDS_IN_ITS_TIME,
    ),
    BadTest(
        "a process that never ends",
        UNIT,
        "import subprocess\n\ndef test_bad():\n    subprocess.run(['sleep', '60'])",
        ENDS_IN_ITS_TIME,
    ),
    BadTest(
        "a process that an async test waits for without await",
        UNIT,
        "import subprocess\n\nasync def test_bad():\n    subprocess.run(['sleep', '60'])",
        f"test_bad.py::test_bad {HANGS}",
    ),
    BadTest(
        "a blocking call in an async test",
        INTEGRATION,
        "import time\n\nasync def test_bad():\n    time.sleep(60)",
        f"test_bad.py::test_bad {HANGS}",
    ),
    BadTest(
        "an async test that ignores its end",
        UNIT,
        SHIELDED,
        f"test_bad.py::test_bad {HANGS}",
    ),
    BadTest(
        "a regular expression in an async test",
        UNIT,
        f"import re\n\nasync def test_bad():\n    {BACKTRACKING}",
        f"test_bad.py::test_bad {HANGS}",
    ),
    BadTest(
        "C code that holds the GIL",
        UNIT,
        "def test_bad():\n    sum(range(10**12))",
        f"test_bad.py::test_bad {HANGS}",
    ),
    BadTest(
        "C code that holds the GIL, in one of two workers",
        UNIT,
        "def test_bad():\n    sum(range(10**12))",
        f"test_bad.py::test_bad {HANGS}",
        ("-n", "2"),
    ),
    BadTest(
        "a hang in the teardown of a fixture",
        INTEGRATION,
        HANGING_FIXTURE.format(outcome=True),
        HANGS,
    ),
    BadTest(
        "a hang in teardown after a failure",
        INTEGRATION,
        HANGING_FIXTURE.format(outcome=False),
        HANGS,
    ),
    BadTest(
        "a hang in the setup of a fixture of the session",
        UNIT,
        SESSION_FIXTURE.format(setup="time.sleep(60)", teardown=""),
        f"test_bad.py::test_bad {HANGS}",
    ),
    BadTest(
        "a hang in the teardown of a fixture of the session",
        UNIT,
        SESSION_FIXTURE.format(setup="", teardown="time.sleep(60)"),
        f"test_bad.py::test_bad, or a fixture that ends with the run, {HANGS}",
    ),
    BadTest(
        "a hang at the import of a test",
        INTEGRATION,
        "import time\n\ntime.sleep(60)",
        f"test_bad.py {HANGS}",
    ),
    BadTest(
        "a hang at the import of a test, in both workers",
        INTEGRATION,
        "import time\n\ntime.sleep(60)",
        f"test_bad.py {HANGS}",
        ("-n", "2"),
    ),
    BadTest(
        "a hang at the import of a factory",
        UNIT,
        GOOD,
        f"the import of conftest.py and its plugins {HANGS}",
        files={"tests/factories/slow.py": "import time\n\ntime.sleep(60)"},
    ),
    BadTest(
        "a hang at the import of a feature",
        UNIT,
        GOOD,
        f"the import of conftest.py and its plugins {HANGS}",
        files={
            "app/features/slow/__init__.py": "",
            "app/features/slow/router.py": "import time\n\ntime.sleep(60)\n",
            "tests/factories/slow.py": "import app.features.slow.router",
        },
    ),
    BadTest(
        "a hang in pytest_sessionfinish",
        INTEGRATION,
        GOOD,
        f"the end of the run {HANGS}",
        files={"tests/integration/conftest.py": "def pytest_sessionfinish():\n    while True: ..."},
    ),
    BadTest(
        "a thread that goes on after the last test",
        UNIT,
        "import threading\n\ndef test_bad():\n"
        "    threading.Thread(target=threading.Event().wait, name='the waiter').start()",
        f"the exit of the process {HANGS}",
    ),
    BadTest(
        "a hang in an atexit handler",
        UNIT,
        "import atexit\nimport time\n\ndef test_bad():\n    atexit.register(time.sleep, 60)",
        f"the exit of the process {HANGS}",
    ),
]

LEAKS_A_PROCESS = """
import subprocess

KEPT = []

def test_bad():
    KEPT.append(subprocess.Popen(['sleep', '60']))

def test_innocent(): ...
"""

LEAKS_A_ROUTE = """
async def test_bad(app, client):
    app.add_api_route("/new", lambda: None)

async def test_innocent(client):
    assert (await client.get("/new")).status_code == 404
"""

LEAKS_A_ROLE = """
import pytest
from sqlalchemy import text

@pytest.mark.committed
async def test_bad(session):
    await session.execute(text("CREATE ROLE of_a_bad_test"))
    await session.commit()

async def test_innocent(session):
    query = text("SELECT count(*) FROM pg_roles WHERE rolname = 'of_a_bad_test'")
    assert await session.scalar(query) == 0
"""

COMMITS = """
import pytest
from sqlalchemy import text

async def test_bad(session):
    await session.execute(text("INSERT INTO products (name) VALUES ('left')"))
    await session.execute(text("{end}"))

async def test_innocent(session):
    assert await session.scalar(text("SELECT count(*) FROM products")) == 0
"""

COMMITS_PAST_SQLALCHEMY = """
from sqlalchemy import text

async def test_bad(session):
    await session.execute(text("INSERT INTO products (name) VALUES ('left')"))
    connection = await (await session.connection()).get_raw_connection()
    await connection.driver_connection.execute("SELECT 1; COMMIT")

async def test_innocent(session):
    assert await session.scalar(text("SELECT count(*) FROM products")) == 0
"""

LEAKING_TESTS = [
    BadTest(
        "a task that goes on",
        INTEGRATION,
        "import asyncio\n\nasync def test_bad(database):\n"
        "    asyncio.create_task(asyncio.sleep(60), name='the sleeper')\n\n"
        "async def test_innocent(): ...",
        "these tasks go on: await them.\n- the sleeper",
    ),
    BadTest(
        "a task that a unit test leaves",
        UNIT,
        "import asyncio\n\nasync def test_bad():\n"
        "    asyncio.create_task(asyncio.sleep(60), name='the sleeper')\n\n"
        "async def test_innocent(): ...",
        "these tasks go on: await them.\n- the sleeper",
    ),
    BadTest(
        "a task that the last test leaves",
        UNIT,
        "import asyncio\n\nasync def test_bad():\n"
        "    asyncio.create_task(asyncio.sleep(60), name='the sleeper')",
        "these tasks go on: await them.\n- the sleeper",
    ),
    BadTest(
        "a daemon thread that goes on",
        UNIT,
        "import threading\n\ndef test_bad():\n    run = threading.Event().wait\n"
        "    threading.Thread(target=run, name='the waiter', daemon=True).start()\n\n"
        "def test_innocent(): ...",
        "these threads go on: join them.\n- the waiter",
    ),
    BadTest(
        "a process that goes on",
        UNIT,
        LEAKS_A_PROCESS,
        " sleep 60",
    ),
    BadTest(
        "a route that is added to the application",
        INTEGRATION,
        LEAKS_A_ROUTE,
        "it changed the routes, middleware or exception handlers of `app`",
    ),
    BadTest(
        "a role that a committed test creates",
        INTEGRATION,
        LEAKS_A_ROLE,
        "left role of_a_bad_test: drop it.",
    ),
    *(
        BadTest(
            f"a statement that ends the transaction: {end}",
            INTEGRATION,
            COMMITS.format(end=end),
            f"TransactionEndedError: {end} would end the transaction that the sandbox rolls back",
        )
        for end in ("COMMIT", "rollback", "end work", "/* all */ PREPARE TRANSACTION 'a'")
    ),
    BadTest(
        "a COMMIT that is sent past SQLAlchemy: the run ends, because the row stays",
        INTEGRATION,
        COMMITS_PAST_SQLALCHEMY,
        "TransactionEndedError: A statement of this test, sent past SQLAlchemy, would end",
    ),
]

BAD_TESTS = [
    BadTest(
        "a unit test that asks for the database",
        UNIT,
        "async def test_bad(session): ...",
        "A unit test cannot use database, databases, engine, session: move it to tests/integration.",
    ),
    BadTest(
        "a unit test that opens a socket",
        UNIT,
        "import socket\n\ndef test_bad():\n    socket.create_connection(('127.0.0.1', 1))",
        "A unit test opened a socket: move it to tests/integration.",
    ),
    BadTest(
        "a unit test that opens a socket through the loop",
        UNIT,
        "import asyncio\n\nasync def test_bad():\n    await asyncio.open_connection('127.0.0.1', 1)",
        "A unit test opened a socket: move it to tests/integration.",
    ),
    BadTest(
        "a unit test that connects to PostgreSQL by itself",
        UNIT,
        "import asyncpg\n\nasync def test_bad():\n    await asyncpg.connect('postgresql://127.0.0.1:1/x')",
        "A unit test opened a socket: move it to tests/integration.",
    ),
    BadTest(
        "a test outside the three folders",
        "tests/test_bad.py",
        "def test_bad(): ...",
        "test_bad.py::test_bad: move this test into one of tests/unit, tests/integration, tests/e2e.",
    ),
    BadTest(
        "a misspelt marker",
        INTEGRATION,
        "import pytest\n\n@pytest.mark.comitted\ndef test_bad(): ...",
        "'comitted' not found in `markers` configuration option",
    ),
    BadTest(
        "a connection that is not given back",
        INTEGRATION,
        "KEPT = []\n\nasync def test_bad(engine, database):\n    KEPT.append(await engine.connect())",
        "1 connection(s) are still in use",
    ),
    BadTest(
        "a connection that is not given back, without the sandbox",
        INTEGRATION,
        "KEPT = []\n\nasync def test_bad(engine):\n    KEPT.append(await engine.connect())\n\n"
        "async def test_innocent(session): ...",
        "ERROR tests/integration/test_bad.py::test_bad - Failed: The test has ended",
    ),
    BadTest(
        "a connection that is not given back, when its teardown fails as well",
        INTEGRATION,
        LEAKING_AND_BROKEN,
        "And 1 connection(s) are still in use",
    ),
    BadTest(
        "a connection that is not given back, after which an innocent test comes",
        INTEGRATION,
        LEAKING_AND_BROKEN,
        "2 passed, 1 error in",
    ),
    BadTest(
        "a test that is slower than its own limit",
        INTEGRATION,
        "import asyncio\nimport pytest\n\n@pytest.mark.timeout(1)\nasync def test_bad():\n"
        "    await asyncio.Event().wait()",
        "TimeoutError: The test took more than 1 s.",
    ),
    BadTest(
        "a connection of a committed test that is not given back",
        INTEGRATION,
        "import pytest\n\nKEPT = []\n\n@pytest.mark.committed\nasync def test_bad(database):\n"
        "    KEPT.append(await database.engine.connect())",
        "1 connection(s) are still in use",
    ),
    BadTest(
        "a transaction that another task keeps open",
        INTEGRATION,
        "import asyncio\nfrom sqlalchemy import text\n\nasync def test_bad(database):\n"
        "    async def keep():\n        async with database.transaction() as session:\n"
        "            await session.execute(text('SELECT 1'))\n"
        "            await asyncio.Event().wait()\n"
        "    task = asyncio.create_task(keep())\n    await asyncio.sleep(0.1)\n"
        "    async with database.read() as session:\n"
        "        await session.execute(text('SELECT 1'))",
        "the sandbox's only connection, which a transaction holds",
    ),
    BadTest(
        "a deferred constraint that is broken",
        INTEGRATION,
        "from tests.fixtures.canaries import add\n\nasync def test_bad(cage, session):\n"
        "    await add(session, 'child', parent='nobody')\n    await session.commit()",
        'violates foreign key constraint "canaries_parent_fkey"',
    ),
    BadTest(
        "a lock that another connection holds",
        INTEGRATION,
        "from sqlalchemy import text\n\nLOCK = text('SELECT pg_advisory_lock(1)')\n\n"
        "async def test_bad(engine, session):\n    async with engine.connect() as other:\n"
        "        await other.execute(LOCK)\n        await session.execute(LOCK)",
        "canceling statement due to lock timeout",
    ),
    BadTest(
        "a warning",
        INTEGRATION,
        "import warnings\n\ndef test_bad():\n    warnings.warn('careful')",
        "UserWarning: careful",
    ),
    BadTest(
        "a failure, which shows the SQL that ran",
        INTEGRATION,
        "from sqlalchemy import text\n\nasync def test_bad(session):\n"
        "    await session.execute(text('SELECT 42 AS answer'))\n    assert False",
        " SQL ",
    ),
    BadTest(
        "a failure, which shows the responses that it got",
        INTEGRATION,
        "async def test_bad(client):\n    await client.get('/products/no-uuid')\n    assert False",
        "GET http://test/products/no-uuid -> 422",
    ),
]

# Of two tests, the second one finds nothing of what the first one leaves, and both are green.
RESTORED_IN_THE_PROCESS = """
import asyncio
import locale
import logging
import os
import signal
import socket
import sys
import pytest
import structlog
import time_machine

def set_environment():
    os.environ["LEFT"] = "behind"
    os.environ.pop("PATH")

def change_log():
    logging.getLogger("asyncio").disabled = True
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    logging.getLogger().setLevel(logging.CRITICAL)
    logging.getLogger().addHandler(logging.NullHandler())
    logging.disable(logging.CRITICAL)

def travel():
    time_machine.travel(0).start()
    time_machine.travel(0).start()

def read_log():
    root, library = logging.getLogger(), logging.getLogger("asyncio")
    handlers = [handler for handler in root.handlers if type(handler) is logging.NullHandler]
    return root.level, handlers, root.manager.disable, library.level, library.disabled

CHANGES = {
    "environment": (set_environment, lambda: ("LEFT" in os.environ, "PATH" in os.environ)),
    "folder": (lambda: os.chdir("/"), os.getcwd),
    "umask": (lambda: os.umask(0o123), lambda: os.umask(0o022)),
    "signal": (lambda: signal.signal(signal.SIGTERM, print), lambda: signal.getsignal(signal.SIGTERM)),
    "path": (lambda: sys.path.insert(0, "/"), lambda: [*sys.path]),
    "locale": (lambda: locale.setlocale(locale.LC_ALL, "C"), lambda: locale.setlocale(locale.LC_ALL)),
    "socket": (lambda: socket.setdefaulttimeout(1), socket.getdefaulttimeout),
    "time": (travel, lambda: time_machine.escape_hatch.is_travelling()),
    "log": (change_log, read_log),
    "structlog": (lambda: structlog.configure(processors=[]), lambda: len(structlog.get_config()["processors"])),
    "context": (lambda: structlog.contextvars.bind_contextvars(a=1), structlog.contextvars.get_contextvars),
}

BEFORE = {name: read() for name, (_, read) in CHANGES.items()}

@pytest.mark.parametrize("name", CHANGES)
def test_1_changes(name):
    change, read = CHANGES[name]
    change()
    assert read() != BEFORE[name]

@pytest.mark.parametrize("name", CHANGES)
def test_2_finds_it_as_it_was(name):
    assert CHANGES[name][1]() == BEFORE[name]

async def test_3_changes_the_loop():
    asyncio.get_running_loop().set_exception_handler(print)

async def test_4_finds_the_loop_as_it_was():
    assert asyncio.get_running_loop().get_exception_handler() is None

@pytest.fixture(scope="module")
def wide():
    os.environ["WIDE"] = "1"
    yield
    del os.environ["WIDE"]

@pytest.fixture(scope="module")
async def served(tmp_path_factory):
    ended = asyncio.Event()

    async def serve(reader, writer):
        while line := await reader.readline():
            writer.write(line)
        writer.close()
        await writer.wait_closed()
        ended.set()

    path = tmp_path_factory.mktemp("served") / "socket"
    running = await asyncio.start_unix_server(serve, path)
    reader, writer = await asyncio.open_unix_connection(path)
    yield reader, writer
    writer.close()
    await writer.wait_closed()
    await ended.wait()
    running.close()

async def test_5_a_task_of_a_fixture_is_not_the_tests(served):
    served[1].write(b"line\\n")
    assert await served[0].readline() == b"line\\n"

def test_6_a_fixture_of_the_module_sets_something(wide, monkeypatch):
    monkeypatch.setenv("NARROW", "1")

def test_7_it_stays(wide):
    assert os.environ["WIDE"] == "1" and "NARROW" not in os.environ

def test_8_it_stays_without_being_asked_for():
    assert os.environ["WIDE"] == "1"
"""

RESTORED_IN_THE_APPLICATION = """
import pytest
from sqlalchemy import func, select, text
from app.core.db import get_database
from app.features.products.models import Product

COUNT = select(func.count()).select_from(Product)

async def test_1_clears_the_overrides(app, client, session):
    app.dependency_overrides.clear()
    app.state.left = "behind"
    assert (await client.post("/products", json={"name": "lamp"})).status_code == 201
    assert await session.scalar(COUNT) == 1

async def test_2_replaces_the_overrides(app, client, session):
    assert not hasattr(app.state, "left")
    app.dependency_overrides = {}
    assert (await client.post("/products", json={"name": "lamp"})).status_code == 201
    assert await session.scalar(COUNT) == 1
    app.dependency_overrides[test_1_clears_the_overrides] = print

async def test_3_finds_them_as_they_were(app, client, session):
    assert app.dependency_overrides.keys() == {get_database}
    assert await session.scalar(COUNT) == 0

LEAVE = [
    "SELECT pg_advisory_lock(1)",
    "DO 'BEGIN PERFORM pg_advisory_lock(2); END'",
    "CREATE ROLE left_behind",
]

FIND = text('''
    SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())
        + (SELECT count(*) FROM pg_prepared_statements WHERE from_sql)
        + (SELECT count(*) FROM pg_listening_channels())
        + (SELECT count(*) FROM pg_class WHERE relname = 'left_behind')
        + (SELECT count(*) FROM pg_roles WHERE rolname = 'left_behind')
        + (SELECT count(*) FROM pg_cursors WHERE name = 'left_behind'),
        current_setting('search_path'), current_setting('statement_timeout') = '12345ms',
        current_user = session_user AND current_user <> 'pg_monitor'
''')

@pytest.mark.parametrize("statement", LEAVE)
async def test_4_leaves_something_in_the_connection(session, statement):
    assert (await session.execute(FIND)).one() == (0, '"$user", public', False, True)
    await session.execute(text(statement))

async def test_5_finds_the_connection_as_it_was(session):
    assert (await session.execute(FIND)).one() == (0, '"$user", public', False, True)

@pytest.mark.parametrize("kind", ["int", "text"])
async def test_6_changes_a_table(session, kind):
    await session.execute(text(f"ALTER TABLE products ADD COLUMN {kind}_column {kind}"))
    assert (await session.execute(text("SELECT * FROM products"))).keys()

@pytest.mark.parametrize("label", ["first", "second"])
async def test_7_makes_a_type(session, label):
    await session.execute(text(f"CREATE TYPE mood AS ENUM ('{label}')"))
    await session.execute(text("CREATE TABLE moods (mood mood)"))
    await session.execute(text(f"INSERT INTO moods VALUES (CAST(:mood AS mood))"), {"mood": label})
    assert await session.scalar(text("SELECT mood FROM moods")) == label

async def test_8_finds_the_table_as_it_was(session):
    assert "int_column" not in (await session.execute(text("SELECT * FROM products"))).keys()
"""
