"""The promises of sessions, in the sandbox and with real commits, and on production's own pool."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any

import asyncpg
import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException, Response
from fastapi.responses import JSONResponse, StreamingResponse
from httpx import AsyncClient
from sqlalchemy import func, insert, literal_column, select, text
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.core.db import CurrentDatabase, Database, ReadSession, Session, get_database
from app.core.db.aborted import AbortedTransactionError
from app.core.db.database import open_database
from app.core.db.statements import NeedsTransactionError, ReadOnlyError, UsageError
from tests.fixtures.canaries import Canary, add, count, create_table, make_app
from tests.harness.clients import client_of
from tests.harness.committed import Committed
from tests.harness.databases import settings_for
from tests.harness.isolated import Isolated
from tests.harness.proxy import Proxy

Act = Callable[[AsyncSession], Awaitable[Any]]

ONE = select(literal_column("1"))
PID = text("SELECT pg_backend_pid()")

router = APIRouter()


async def user(session: ReadSession) -> int:
    return await count(session)


async def audit(session: Session) -> None:
    await add(session, "audit")


@router.post("/late/{name}")
async def add_after_the_response(name: str, session: Session, tasks: BackgroundTasks) -> None:
    tasks.add_task(add, session, name)


@router.post("/streamed/{name}")
async def add_in_the_body(name: str, session: Session) -> StreamingResponse:
    async def body() -> AsyncGenerator[str]:
        yield "begin"
        await add(session, name)

    return StreamingResponse(body())


@router.post("/read-streamed/{name}")
async def read_in_the_body(name: str, session: ReadSession) -> StreamingResponse:
    async def body() -> AsyncGenerator[str]:
        yield f"{await count(session)} {name}"

    return StreamingResponse(body())


@router.post("/with-auth/{name}")
async def add_as_user(name: str, _: Annotated[int, Depends(user)], session: Session) -> None:
    await add(session, name)


@router.post("/both/{name}")
async def add_and_read(name: str, session: Session, reads: ReadSession) -> int:
    await add(session, name)
    return await count(reads)


@router.get("/gathered")
async def gather_reads(database: CurrentDatabase) -> int:
    async def read() -> object:
        async with database.read() as session:
            return await session.scalar(PID)

    return len(set(await asyncio.gather(*(read() for _ in range(5)))))


@router.post("/returned/{status}")
async def return_response(status: int, session: Session) -> Response:
    await add(session, f"returned {status}")
    return JSONResponse(None, status)


@router.post("/declared", status_code=409)
async def declare_status(session: Session) -> None:
    await add(session, "declared")


@router.post("/set/{status}")
async def set_status(status: int, session: Session, response: Response) -> None:
    await add(session, f"set {status}")
    response.status_code = status


@router.post("/raised/{status}")
async def raise_status(status: int, session: Session) -> None:
    await add(session, f"raised {status}")
    raise HTTPException(status)


@router.post("/audited/{number}", dependencies=[Depends(audit)])
async def audited(number: int) -> int:
    return number


@router.post("/inside/{name}")
async def return_error_after_a_nested_commit(
    name: str, session: Session, database: CurrentDatabase
) -> Response:
    async with database.transaction() as own:
        await add(own, name)
    await add(session, "never")
    return JSONResponse(None, 409)


@router.post("/copy/{name}")
async def copy_twice_and_catch(name: str, session: Session) -> None:
    await copy(session, name)
    with suppress(asyncpg.UniqueViolationError):
        await copy(session, name)


async def copy(session: AsyncSession, name: str) -> None:
    """Add a canary by the driver's own COPY, of which SQLAlchemy sees nothing."""
    driver: Any = (await (await session.connection()).get_raw_connection()).driver_connection
    await driver.copy_records_to_table(
        "canaries", schema_name="harness", records=[(name,)], columns=["name"]
    )


@pytest.fixture(params=["sandbox", pytest.param("committed", marks=pytest.mark.committed)])
async def either(cage: None, database: Isolated) -> Isolated:
    """The database of the test, in the sandbox and with real commits; it has the table."""
    del cage
    if isinstance(database, Committed):
        await create_table(database.engine)
    return database


@asynccontextmanager
async def serving(database: Database, **options: Any) -> AsyncGenerator[AsyncClient]:
    """Give a client of the routes above."""
    app = make_app()
    app.include_router(router)
    app.dependency_overrides[get_database] = lambda: database
    async with client_of(app, **options) as client:
        yield client


@asynccontextmanager
async def pool_of(size: int, database: Committed) -> AsyncGenerator[Database]:
    """Give production's database on a pool of this size."""
    await create_table(database.engine)
    settings = settings_for(database.engine.url)
    update = {"database_pool_size": size, "database_pool_timeout": 2}
    async with open_database(settings.model_copy(update=update)) as pooled:
        yield pooled


async def names(database: Isolated) -> set[str]:
    async with database.session() as session:
        return set(await session.scalars(select(Canary.name)))


async def has_raised(error: type[Exception], database: Database, block: str, act: Act) -> bool:
    """Tell whether the block has raised this error."""
    try:
        async with getattr(database, block)() as session:
            await act(session)
    except error:
        return True
    return False


async def refused(acts: dict[str, Act], database: Database, block: str) -> set[str]:
    """Return the names of those that a session of its own refuses."""
    return {
        name for name, act in acts.items() if await has_raised(UsageError, database, block, act)
    }


@pytest.mark.parametrize("block", ["transaction", "read"])
async def test_session_that_is_used_after_its_block_raises(either: Isolated, block: str) -> None:
    async with getattr(either, block)() as session:
        await count(session)

    with pytest.raises(InvalidRequestError, match="has ended with its block"):
        await count(session)


@pytest.mark.usefixtures("cage")
@pytest.mark.parametrize("path", ["/late/a", "/streamed/a", "/read-streamed/a"])
async def test_session_that_is_used_after_its_route_raises(database: Isolated, path: str) -> None:
    async with serving(database) as client:
        with pytest.raises(InvalidRequestError, match="has ended with its block"):
            await client.post(path)

    assert await names(database) == set()


def execute(statement: Any) -> Act:
    return lambda session: session.execute(statement)


async def add_object(session: AsyncSession) -> None:
    session.add(Canary(name="never"))


async def add_object_and_flush(session: AsyncSession) -> None:
    session.add(Canary(name="never"))
    await session.flush()


INSERT = "INSERT INTO harness.canaries VALUES ('never')"

WRITES: dict[str, Act] = {
    "object": add_object,
    "flush": add_object_and_flush,
    "insert": execute(insert(Canary).values(name="never")),
    "text": execute(text(INSERT)),
    "cte": execute(
        select(insert(Canary).values(name="never").returning(Canary.name).cte("written"))
    ),
    "function": execute(text("SELECT harness.visit()")),
    "sequence": execute(text("SELECT nextval('harness.visits')")),
    "row lock": execute(select(Canary).with_for_update()),
    "block": execute(text(f"DO $$ BEGIN COMMIT; SET TRANSACTION READ WRITE; {INSERT}; END $$")),
    "mode": execute(text("SET default_transaction_read_only = off")),
    "mode by function": execute(
        select(func.set_config("default_transaction_read_only", "off", False))
    ),
}


async def test_read_session_refuses_to_write(either: Isolated) -> None:
    async with either.session() as session:
        await session.execute(text("CREATE SEQUENCE harness.visits"))
        function = f"LANGUAGE plpgsql AS $$ BEGIN {INSERT}; END $$"
        await session.execute(text(f"CREATE FUNCTION harness.visit() RETURNS void {function}"))
        await session.commit()

    assert await refused(WRITES, either, "read") == WRITES.keys()
    assert await has_raised(asyncpg.PostgresError, either, "read", lambda own: copy(own, "never"))
    assert await names(either) == set()


NEEDS_TRANSACTION: dict[str, Act] = {
    "stream": lambda session: session.stream(select(Canary)),
    "stream_scalars": lambda session: session.stream_scalars(text("SELECT 1")),
    "begin_nested": lambda session: session.begin_nested().start(),
    "SAVEPOINT": execute(text("SAVEPOINT a")),
    "SET LOCAL": execute(text("SET LOCAL app.tenant = 'blue'")),
    "temporary table": execute(text("CREATE TEMP TABLE a (n int) ON COMMIT DROP")),
    "LOCK": execute(text("LOCK TABLE harness.canaries")),
    "CALL": execute(text("CALL harness.visit()")),
}


async def test_read_session_names_what_has_a_transaction(either: Isolated) -> None:
    for name, act in NEEDS_TRANSACTION.items():
        async with either.read() as session:
            with pytest.raises(NeedsTransactionError, match="take `Session`"):
                pytest.fail(f"{name}: {await act(session)}")


async def commit_its_connection(session: AsyncSession) -> None:
    await (await session.connection()).commit()


async def commit_its_transaction(session: AsyncSession) -> None:
    await session.execute(ONE)
    transaction = session.get_transaction()
    assert transaction
    await transaction.commit()


async def end_it_by_a_block(session: AsyncSession) -> None:
    async with session:
        await session.execute(ONE)


COMMITS: dict[str, Act] = {
    "connection": commit_its_connection,
    "transaction": commit_its_transaction,
    "synchronous session": lambda session: session.run_sync(
        lambda sync: (sync.execute(ONE), sync.commit())
    ),
}
"""Ways to commit that are not a method of the session."""

BREAKS_A_PROMISE: dict[str, Act] = {
    "commit": lambda session: session.commit(),
    "close": lambda session: session.close(),
    "reset": lambda session: session.reset(),
    "invalidate": lambda session: session.invalidate(),
    "async with": end_it_by_a_block,
    "begin": lambda session: session.begin().__aenter__(),
    "COMMIT": execute(text("/* now */ commit")),
    "SET": execute(text("SET app.tenant = 'blue'")),
    "LISTEN": execute(text("LISTEN news")),
}


@pytest.mark.parametrize("block", ["transaction", "read"])
async def test_session_refuses_what_would_break_a_promise(either: Isolated, block: str) -> None:
    assert await refused(BREAKS_A_PROMISE, either, block) == BREAKS_A_PROMISE.keys()


async def test_transaction_refuses_each_way_to_commit(either: Isolated) -> None:
    assert await refused(COMMITS, either, "transaction") == COMMITS.keys()


LEAVES_STATE = [
    "SELECT set_config('app.tenant', 'blue', false)",
    "SELECT pg_advisory_lock(7)",
    "SELECT 1 AS a INTO TEMP staging",
]
STATE = text(
    "SELECT concat_ws(' ', current_setting('app.tenant', true), to_regclass('pg_temp.staging'),"
    " (SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND objid = 7))"
)


@pytest.mark.committed
@pytest.mark.parametrize("statement", LEAVES_STATE)
async def test_connection_is_given_back_without_state(database: Committed, statement: str) -> None:
    async with pool_of(1, database) as pooled:
        async with pooled.transaction() as session:
            await session.execute(text(statement))
            before = await session.scalar(STATE)
        async with pooled.transaction() as session:
            after = await session.scalar(STATE)

    assert (bool(before), after) == (True, "")


async def test_transaction_refuses_autocommit(either: Isolated) -> None:
    options = {"isolation_level": "AUTOCOMMIT"}

    async with either.transaction() as session:
        with pytest.raises(UsageError, match="AUTOCOMMIT"):
            await session.connection(execution_options=options)


@pytest.mark.committed
async def test_reads_and_transactions_share_one_pool(database: Committed) -> None:
    async def pid(number: int) -> object:
        async with getattr(pooled, "read" if number % 2 else "transaction")() as session:
            return await session.scalar(PID)

    async with pool_of(2, database) as pooled:
        assert len(set(await asyncio.gather(*map(pid, range(20))))) == 2


@pytest.mark.committed
async def test_connection_of_a_read_is_writable_for_a_transaction(database: Committed) -> None:
    async with pool_of(1, database) as pooled:
        for number in range(2):
            async with pooled.transaction() as session:
                await add(session, str(number))
            assert await has_raised(ReadOnlyError, pooled, "read", WRITES["text"])

    assert await names(database) == {"0", "1"}


async def test_read_is_one_round_trip_beside_transactions(engine: AsyncEngine) -> None:
    counted = []
    async with Proxy.to(engine.url) as proxy, open_database(settings_for(proxy.url)) as pooled:
        for query in (ONE, text("SELECT 1")) * 2:
            async with pooled.transaction() as session:
                await session.execute(query)
            before = proxy.round_trips
            async with pooled.read() as session:
                await session.execute(query)
            counted.append(proxy.round_trips - before)

    assert counted[-2:] == [1, 1]


@pytest.mark.committed
async def test_read_gives_its_connection_back_after_each_statement(database: Committed) -> None:
    await create_table(database.engine)
    async with database.transaction() as session:
        await add(session, "a")

    async with database.read() as session:
        canary = await session.get_one(Canary, "a")
        assert database.engine.pool.status() == "0 of 5 connections are in use"
        assert await session.get(Canary, "a") is canary
        assert canary.parent is None


@pytest.mark.committed
async def test_request_needs_one_place_in_the_queue(database: Committed) -> None:
    paths = ("/with-auth/a", "/both/b", "/canaries/c/inside")
    async with pool_of(1, database) as pooled, serving(pooled) as client, asyncio.timeout(5):
        statuses = [(await client.post(path)).status_code for path in paths]
        failed = await client.post("/canaries/d/inside", params={"fails": True})
        connections = (await client.get("/gathered")).json()

    assert (statuses, failed.status_code, connections) == ([200] * 3, 409, 1)
    assert await names(database) == {"a", "b", "c", "c inside", "d inside"}


@pytest.mark.committed
async def test_many_requests_with_two_sessions_share_a_small_pool(database: Committed) -> None:
    async with pool_of(2, database) as pooled, serving(pooled) as client:
        requests = [
            client.post(f"/{path}/{path}{number}")
            for path in ("with-auth", "both")
            for number in range(25)
        ]
        responses = await asyncio.gather(*requests)

    assert {response.status_code for response in responses} == {200}
    assert len(await names(database)) == 50


async def test_caught_error_of_the_driver_fails_the_commit(either: Isolated) -> None:
    async with serving(either, raises=False) as client:
        assert (await client.post("/copy/a")).status_code == 500
    with pytest.raises(AbortedTransactionError):
        async with serving(either) as client:
            await client.post("/copy/a")

    assert await names(either) == set()


async def test_what_the_driver_does_first_is_in_the_transaction(either: Isolated) -> None:
    async def copy_and_raise(session: AsyncSession) -> None:
        await copy(session, "never")
        raise LookupError

    assert await has_raised(LookupError, either, "transaction", copy_and_raise)
    assert await names(either) == set()


@pytest.mark.usefixtures("cage")
@pytest.mark.parametrize(
    ("path", "status", "stored"),
    [
        ("/returned/201", 201, {"returned 201"}),
        ("/returned/303", 303, {"returned 303"}),
        ("/returned/409", 409, set()),
        ("/declared", 409, set()),
        ("/set/202", 202, {"set 202"}),
        ("/set/409", 409, set()),
        ("/raised/409", 409, set()),
        ("/audited/1", 200, {"audit"}),
        ("/audited/x", 422, set()),
        ("/inside/a", 409, {"a"}),
    ],
)
async def test_response_that_is_an_error_rolls_back(
    database: Isolated, path: str, status: int, stored: set[str]
) -> None:
    async with serving(database) as client:
        response = await client.post(path)

    assert response.status_code == status
    assert await names(database) == stored


ENDS_WITH_THE_TRANSACTION = {
    "SET LOCAL app.tenant = 'a'": "SELECT nullif(current_setting('app.tenant', true), '')",
    "SELECT set_config('app.a', 'b', true)": "SELECT nullif(current_setting('app.a', true), '')",
    "SET LOCAL lock_timeout = 17": "SHOW lock_timeout",
    "SET LOCAL ROLE pg_monitor": "SELECT current_user",
    "SET TRANSACTION READ ONLY": "SHOW transaction_read_only",
    "CREATE TEMP TABLE a (n int) ON COMMIT DROP": "SELECT to_regclass('pg_temp.a')::text",
}


async def test_what_ends_with_a_transaction_is_gone_in_the_next(either: Isolated) -> None:
    async def ask(question: str, statement: str = "SELECT 1") -> object:
        async with either.transaction() as session:
            await session.execute(text(statement))
            return await session.scalar(text(question))

    is_superuser = await ask("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    for statement, question in ENDS_WITH_THE_TRANSACTION.items():
        if "ROLE" in statement and not is_superuser:
            continue  # no other role is there to take
        before = await ask(question)
        assert await ask(question, statement) != before
        assert await ask(question) == before


async def test_tasks_take_a_session_one_after_the_other(either: Isolated) -> None:
    async with either.transaction() as session:
        found = await asyncio.gather(*(session.scalar(ONE) for _ in range(3)))

    assert found == [1, 1, 1]


@pytest.mark.committed
async def test_settings_that_a_function_leaves_end_with_the_transaction(
    database: Committed,
) -> None:
    leave = "SELECT set_config('app.tenant', 'blue', false)"
    async with database.engine.begin() as connection:
        function = f"CREATE FUNCTION leave() RETURNS text LANGUAGE sql AS $${leave}$$"
        await connection.execute(text(function))
    async with pool_of(1, database) as pooled:
        async with pooled.transaction() as session:
            await session.execute(text("SELECT leave()"))
        async with pooled.transaction() as session:
            found = await session.scalar(text("SELECT current_setting('app.tenant', true)"))

    assert found == ""
