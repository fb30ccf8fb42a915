"""The suites that are timed, as the source of one test file each.

Every isolated test writes one row. They differ in how the row is kept from the next test.
"""

EMPTY = """
import pytest

@pytest.mark.parametrize("number", range({tests}))
async def test_nothing(number): ...
"""

SANDBOX = """
import pytest
from sqlalchemy import text

@pytest.mark.parametrize("number", range({tests}))
async def test_write(session, number):
    await session.execute(text("INSERT INTO bench_0 VALUES (1)"))
"""

CLONE = SANDBOX.replace("@pytest", "@pytest.mark.committed\n@pytest", 1)

_BY_HAND = """
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, text

metadata = MetaData()
for number in range({tables}):
    Table(f"bench_{{number}}", metadata, Column("id", Integer, primary_key=True))
NAMES = ", ".join(metadata.tables)

@pytest.mark.parametrize("number", range({tests}))
async def test_write(isolated, number): ...
"""

TRUNCATE = (
    _BY_HAND
    + """
@pytest.fixture
async def isolated(engine):
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO bench_0 VALUES (1)"))
    yield
    async with engine.begin() as connection:
        await connection.execute(text(f"TRUNCATE {{NAMES}}"))
"""
)

DELETE = (
    _BY_HAND
    + """
@pytest.fixture
async def isolated(engine):
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO bench_0 VALUES (1)"))
    yield
    async with engine.begin() as connection:
        for name in metadata.tables:
            await connection.execute(text(f"DELETE FROM {{name}}"))
"""
)

CREATE_DROP = (
    _BY_HAND
    + """
@pytest.fixture(scope="session")
async def bare(engine):
    async with engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)

@pytest.fixture
async def isolated(engine, bare):
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO bench_0 VALUES (1)"))
    yield
    async with engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
"""
)

SQLITE = (
    _BY_HAND
    + """
@pytest.fixture
def isolated():
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO bench_0 VALUES (1)"))
    yield
    engine.dispose()
"""
)

CLIENT = """
import pytest

@pytest.mark.parametrize("number", range({tests}))
async def test_post_and_get(client, number):
    created = await client.post("/products", json={{"name": "lamp"}})
    assert (await client.get(created.headers["location"])).json() == created.json()
"""

CLIENT_PER_TEST = (
    CLIENT
    + """
from httpx import ASGITransport, AsyncClient
from app.core.db import get_database
from app.core.db.engine import create_engine
from app.main import create_app
from tests.harness.databases import settings_for
from tests.harness.sandbox import Sandbox
from tests.harness.savepoints import AUTOCOMMIT, Savepoints

@pytest.fixture
async def client(engine):
    settings = settings_for(engine.url)
    app = create_app(settings)
    own_engine = create_engine(settings, **AUTOCOMMIT)
    async with app.router.lifespan_context(app), Savepoints.on(own_engine) as own:
        async with Sandbox.on(own) as database:
            async def isolated():
                return database

            app.dependency_overrides[get_database] = isolated
            transport = ASGITransport(app)
            async with AsyncClient(transport=transport, base_url="http://test") as client:
                yield client
"""
)

CLIENT_BARE = """
import os
import pytest
from httpx import ASGITransport, AsyncClient

@pytest.fixture(scope="session")
async def bare(engine):
    os.environ["DATABASE_URL"] = engine.url.render_as_string(hide_password=False)
    import bare_sqlalchemy
    transport = ASGITransport(bare_sqlalchemy.app)
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
    await bare_sqlalchemy.engine.dispose()

@pytest.mark.parametrize("number", range({tests}))
async def test_post_and_get(bare, number):
    created = await bare.post("/products", json={{"name": f"lamp {{number}}"}})
    assert (await bare.get(f"/products/{{created.json()['id']}}")).json() == created.json()
"""

PLAIN = """
import pytest

@pytest.mark.parametrize("number", range({tests}))
def test_number(number):
    assert str(number)
"""

BIG_UNIT = """
import pytest
from app.features.products.schemas import ProductCreate

@pytest.mark.parametrize("number", range({tests}))
def test_schema(number):
    assert ProductCreate(name=f" {{number}} ").name == str(number)
"""

BIG_COMMITTED = """
import pytest
from sqlalchemy import text

@pytest.mark.committed
@pytest.mark.parametrize("number", range({tests}))
async def test_commit(database, number):
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO products (name) VALUES ('lamp')"))
"""
