"""What goes wrong with the usual ways to test and to commit, as tests that show it.

Each passes in a baked project, on the project's own models: the fault is in the few lines around
them, which are those that most templates for this stack use.
"""

from typing import NamedTuple


class Fault(NamedTuple):
    """The README makes the claim, and ``source`` passes only where it is true."""

    claim: str
    source: str


OUTER_TRANSACTION = """
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import async_sessionmaker
from app.features.products.models import Product

@pytest.fixture
async def dbsession(engine):
    connection = await engine.connect()
    transaction = await connection.begin()
    yield async_sessionmaker(connection, expire_on_commit=False)()
    if transaction.is_active:
        await transaction.rollback()
    await connection.close()

async def test_a_conflict_is_handled(dbsession):
    dbsession.add(Product(name="arranged"))
    await dbsession.commit()

    dbsession.add(Product(name="arranged"))
    with pytest.raises(IntegrityError):
        await dbsession.commit()
    await dbsession.rollback()

    assert (await dbsession.scalars(select(Product.name))).all() == []  # what was arranged is gone
    dbsession.add(Product(name="later"))
    await dbsession.commit()

async def test_the_next_test(engine):
    async with engine.connect() as connection:
        names = (await connection.execute(select(Product.name))).scalars().all()
    assert names == ["later"]  # what was committed is still there
"""

ONE_SESSION = """
from fastapi import APIRouter, FastAPI, Depends
from httpx import ASGITransport, AsyncClient
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import async_sessionmaker
from app.features.products.models import Product

async def get_session(): ...

def client_of(session, handler):
    app = FastAPI()
    app.post("/products")(handler)
    app.dependency_overrides[get_session] = lambda: session
    return AsyncClient(transport=ASGITransport(app), base_url="http://test")
"""

FORGOTTEN_COMMIT = (
    ONE_SESSION
    + """
async def forget_to_commit(session=Depends(get_session)) -> None:
    session.add(Product(name="lamp"))

async def test_the_row_is_there(engine):
    async with async_sessionmaker(engine)() as session:
        await client_of(session, forget_to_commit).post("/products")
        assert await session.scalar(select(func.count()).select_from(Product)) == 1

    async with async_sessionmaker(engine)() as another:  # production's next request
        assert await another.scalar(select(func.count()).select_from(Product)) == 0
"""
)

AT_ONCE = (
    ONE_SESSION
    + """
import asyncio
from sqlalchemy.exc import InvalidRequestError

async def create(session=Depends(get_session)) -> None:
    await session.execute(select(Product))

async def test_two_requests_at_once(engine):
    async with async_sessionmaker(engine)() as session:
        client = client_of(session, create)
        requests = client.post("/products"), client.post("/products")
        results = await asyncio.gather(*requests, return_exceptions=True)
        assert [result for result in results if isinstance(result, InvalidRequestError)]
"""
)

COMMIT_AFTER_RESPONSE = """
import pytest
from fastapi import Depends, FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import async_sessionmaker
from tests.fixtures.canaries import Canary, add

async def test_the_client_is_told_yes(engine, cage):
    async def get_session():
        async with async_sessionmaker(engine)() as session:
            yield session
            await session.commit()

    app = FastAPI()

    @app.post("/canaries", status_code=201)
    async def create(session=Depends(get_session)) -> None:
        await add(session, "orphan", parent="nobody")  # a deferred constraint: checked on commit

    sent = []
    async def send(message):
        sent.append(message)
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "POST", "path": "/canaries", "headers": [],
             "query_string": b"", "client": ("127.0.0.1", 1), "server": ("test", 80),
             "scheme": "http", "http_version": "1.1", "root_path": "", "asgi": {"version": "3.0"}}
    with pytest.raises(IntegrityError):
        await app(scope, receive, send)

    assert sent[0]["status"] == 201  # and the row is not there
    async with engine.connect() as connection:
        assert (await connection.execute(select(Canary.name))).all() == []
"""

COMMIT_IN_FINALLY = """
import pytest
from fastapi import Depends, FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker
from app.features.products.models import Product

async def test_half_of_the_work_is_kept(engine):
    async def get_session():
        session = async_sessionmaker(engine)()
        try:
            yield session
        finally:
            await session.commit()
            await session.close()

    app = FastAPI()

    @app.post("/products")
    async def create(session=Depends(get_session)) -> None:
        session.add(Product(name="the first half"))
        await session.flush()
        raise RuntimeError

    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        with pytest.raises(RuntimeError):
            await client.post("/products")

    async with engine.connect() as connection:
        assert (await connection.scalars(select(Product.name))).all() == ["the first half"]
"""

NO_MIGRATION = """
from sqlalchemy import Column, Text, inspect, text
from app.core.models import Base
from app.features.products.models import Product

async def test_a_column_that_no_migration_makes(engine):
    Product.__table__.append_column(Column("colour", Text))
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE products"))
        await connection.run_sync(Base.metadata.create_all)
        columns = await connection.run_sync(lambda c: inspect(c).get_columns("products"))
    assert "colour" in {column["name"] for column in columns}  # and production has none
"""

FAULTS = [
    Fault(
        "A rollback in the service takes the arranged rows along, and the next commit outlives its test",
        OUTER_TRANSACTION,
    ),
    Fault("A handler that forgets to commit passes its test", FORGOTTEN_COMMIT),
    Fault("Two requests at once cannot be tested", AT_ONCE),
    Fault("The client is told 201, and the row is not there", COMMIT_AFTER_RESPONSE),
    Fault("A request that failed leaves half of its work", COMMIT_IN_FINALLY),
    Fault("A column that no migration makes passes every test", NO_MIGRATION),
]
