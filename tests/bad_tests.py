"""Tests that a user should not have written, and what the suite of a baked project says of each."""

from typing import NamedTuple


class BadTest(NamedTuple):
    """``source``, put at ``path``, must end the run red, with ``said`` in its output."""

    fault: str
    path: str
    source: str
    said: str


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
        "a task that goes on",
        INTEGRATION,
        "import asyncio\n\nasync def test_bad(database):\n"
        "    asyncio.create_task(asyncio.sleep(60), name='the sleeper')",
        "these tasks go on: await them.\n- the sleeper",
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
        "And 1 connection(s) are still in use.",
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
        "import asyncio\n\nasync def test_bad(database):\n"
        "    async def keep():\n        async with database.transaction():\n"
        "            await asyncio.Event().wait()\n"
        "    task = asyncio.create_task(keep(), name='the keeper')\n    await asyncio.sleep(0)\n"
        "    async with database.read(): ...",
        "a transaction of the keeper keeps",
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
        "an await that never ends",
        INTEGRATION,
        "import asyncio\n\nasync def test_bad(session):\n    await asyncio.Event().wait()",
        "TimeoutError: The test took more than 3 s.",
    ),
    BadTest(
        "a loop that never ends",
        INTEGRATION,
        "import time\n\ndef test_bad():\n    time.sleep(60)",
        "Timeout (>3.0s)",
    ),
    BadTest(
        "a blocking call in an async test",
        INTEGRATION,
        "import time\n\nasync def test_bad():\n    time.sleep(60)",
        "test_bad.py::test_bad hangs: it took more than 3 s.",
    ),
    BadTest(
        "a hang in the teardown of a fixture",
        INTEGRATION,
        HANGING_FIXTURE.format(outcome=True),
        "test_bad.py::test_bad hangs: it took more than 3 s.",
    ),
    BadTest(
        "a hang in teardown after a failure",
        INTEGRATION,
        HANGING_FIXTURE.format(outcome=False),
        "test_bad.py::test_bad hangs: it took more than 3 s.",
    ),
    BadTest(
        "a hang at import",
        INTEGRATION,
        "import time\n\ntime.sleep(60)",
        "test_bad.py hangs: it took more than 3 s.",
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
