"""The promises of the sandbox: what the application does is real to the test, and gone after it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, PendingRollbackError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.core.db import get_database
from app.core.db.aborted import AbortedTransactionError
from app.core.db.statements import UsageError
from app.core.errors import ConflictError
from tests.fixtures.canaries import Canary, add, count
from tests.harness.connection_lock import SandboxError
from tests.harness.leaks import Baseline
from tests.harness.sandbox import RollbackError, Sandbox
from tests.harness.savepoints import Savepoints
from tests.harness.statements import TransactionEndedError

pytestmark = pytest.mark.usefixtures("cage")


async def driver_of(session: AsyncSession) -> asyncpg.Connection:
    driver = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    return driver


async def transact(sandbox: Sandbox, *statements: str) -> None:
    async with sandbox.transaction() as session:
        for statement in statements:
            await session.execute(text(statement))


async def commit(sandbox: Sandbox) -> None:
    async with sandbox.transaction() as session:
        await add(session, "committed")


async def roll_back(sandbox: Sandbox) -> None:
    with contextlib.suppress(ConflictError):
        async with sandbox.transaction() as session:
            await add(session, "rolled back")
            raise ConflictError


async def fail_and_then_commit(sandbox: Sandbox) -> None:
    await commit(sandbox)
    with pytest.raises(IntegrityError):
        await commit(sandbox)
    async with sandbox.transaction() as session:
        await add(session, "after the failure")


async def commit_in_the_session_of_the_test(sandbox: Sandbox) -> None:
    async with sandbox.session() as session:
        await add(session, "arranged")
        await session.rollback()
        await add(session, "arranged again")
        await session.commit()


@pytest.mark.parametrize(
    "act", [commit, roll_back, fail_and_then_commit, commit_in_the_session_of_the_test]
)
async def test_no_row_outlives_its_test(
    engine: AsyncEngine, savepoints: Savepoints, act: Callable[[Sandbox], Awaitable[None]]
) -> None:
    async with Sandbox.on(savepoints) as first_test:
        await act(first_test)

    async with Sandbox.on(savepoints) as second_test, second_test.session() as session:
        assert await count(session) == 0
    async with engine.connect() as another_connection:
        assert (await another_connection.execute(select(Canary.name))).all() == []


async def test_no_advisory_lock_outlives_its_test(savepoints: Savepoints) -> None:
    own = "locktype = 'advisory' AND pid = pg_backend_pid()"
    locks = text(f"SELECT count(*) FROM pg_locks WHERE {own}")
    async with Sandbox.on(savepoints) as first_test:
        await first_test.session().execute(text("SELECT pg_advisory_lock(1)"))
        assert await first_test.session().scalar(locks) == 1

    async with Sandbox.on(savepoints) as second_test:
        assert await second_test.session().scalar(locks) == 0


async def test_no_prepared_statement_outlives_the_schema_of_its_test(
    savepoints: Savepoints,
) -> None:
    everything = text("SELECT * FROM harness.canaries")
    async with Sandbox.on(savepoints) as first_test:
        session = first_test.session()
        await session.execute(text("ALTER TABLE harness.canaries ADD COLUMN colour text"))
        assert [*(await session.execute(everything)).keys()][-1] == "colour"

    async with Sandbox.on(savepoints) as second_test:
        session = second_test.session()
        await count(session)  # the first statement would be prepared again
        assert [*(await session.execute(everything)).keys()] == ["name", "parent"]


@pytest.mark.parametrize(
    "statement", ["COMMIT", "rollback", "/* all */ END", "PREPARE TRANSACTION 'a'"]
)
async def test_a_statement_that_ends_the_transaction_is_refused(
    session: AsyncSession, statement: str
) -> None:
    await add(session, "a")

    with pytest.raises(TransactionEndedError, match="mark the test with"):
        await session.execute(text(statement))

    assert await count(session) == 1


@pytest.mark.parametrize("command", ["COMMIT", "COMMIT;", "ROLLBACK"])
async def test_command_to_the_driver_does_not_end_the_transaction(
    database: Sandbox, session: AsyncSession, command: str
) -> None:
    async with database.transaction() as own:
        await add(own, "a")
        driver = await driver_of(own)
        with pytest.raises(UsageError, match="only `Database` does"):
            await driver.execute(command)

    assert await count(session) == 1


async def test_transaction_of_the_driver_is_a_savepoint(
    database: Sandbox, session: AsyncSession
) -> None:
    async with database.transaction() as own:
        await add(own, "kept")
        driver = await driver_of(own)
        with contextlib.suppress(ZeroDivisionError):
            async with driver.transaction():
                await driver.execute("INSERT INTO harness.canaries VALUES ('undone')")
                raise ZeroDivisionError

    assert (await session.scalars(select(Canary.name))).all() == ["kept"]


async def test_statement_that_is_cancelled_undoes_only_its_transaction(
    database: Sandbox, session: AsyncSession
) -> None:
    await add(session, "arranged")
    async with database.transaction() as first:
        await add(first, "committed")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await transact(
                database, "INSERT INTO harness.canaries VALUES ('late')", "SELECT pg_sleep(5)"
            )
    async with database.transaction() as third:
        await add(third, "later")

    names = (await session.scalars(select(Canary.name).order_by(Canary.name))).all()
    assert names == ["arranged", "committed", "later"]


async def test_session_that_was_invalidated_says_so_at_its_commit(database: Sandbox) -> None:
    async def catch_the_timeout() -> None:
        async with database.transaction() as own:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await own.execute(text("SELECT pg_sleep(5)"))

    with pytest.raises(PendingRollbackError):
        await catch_the_timeout()
    async with database.read() as reading:
        assert await count(reading) == 0


async def test_stale_plan_is_prepared_again_by_the_first_statement(database: Sandbox) -> None:
    everything = text("SELECT * FROM harness.canaries")
    async with database.transaction() as before:
        await before.execute(everything)
        await before.execute(text("ALTER TABLE harness.canaries ADD COLUMN colour text"))

    for block in (database.transaction, database.read):
        async with block() as after:
            assert [*(await after.execute(everything)).keys()][-1] == "colour"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM pg_locks",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SELECT pg_current_xact_id()",
        "NOTIFY news",
    ],
)
async def test_what_only_a_real_transaction_shows_is_refused(
    database: Sandbox, statement: str
) -> None:
    async with database.transaction() as own:
        with pytest.raises(SandboxError, match="Mark the test with"):
            await own.execute(text(statement))

    database.savepoints.lock.refused = None  # or the test would fail at its end


async def test_lost_connection_is_refused_until_the_test_ends(savepoints: Savepoints) -> None:
    sandbox = Sandbox(savepoints)

    with pytest.raises(DBAPIError):
        await transact(sandbox, "SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(SandboxError, match="lost its connection"):
        await count(sandbox.session())
    with pytest.raises(SandboxError, match="lost its connection"):
        await sandbox.close()

    async with Sandbox.on(savepoints) as next_test:
        assert await count(next_test.session()) == 0


async def test_a_request_stays_in_the_sandbox_when_overrides_are_cleared(
    app: FastAPI, client: AsyncClient
) -> None:
    baseline = Baseline()
    app.dependency_overrides.clear()

    response = await client.get("/readyz")

    assert response.status_code == 200
    assert baseline.restore() == ""
    assert app.dependency_overrides.keys() == {get_database}


async def test_what_the_application_commits_is_visible(
    canary_client: AsyncClient, session: AsyncSession
) -> None:
    response = await canary_client.post("/canaries/a")

    assert response.status_code == 200
    assert await count(session) == 1


async def test_what_the_application_rolls_back_is_gone_and_arranged_rows_stay(
    canary_client: AsyncClient, session: AsyncSession
) -> None:
    await add(session, "arranged")
    await session.commit()

    response = await canary_client.post("/canaries/a/raise")

    assert response.status_code == 409
    assert (await session.scalars(select(Canary.name))).all() == ["arranged"]


async def test_rows_that_are_not_committed_survive_what_the_application_rolls_back(
    canary_client: AsyncClient, session: AsyncSession
) -> None:
    await add(session, "first")
    await canary_client.post("/canaries/a")
    await add(session, "second")

    response = await canary_client.post("/canaries/b/raise")

    assert response.status_code == 409
    assert set(await session.scalars(select(Canary.name))) == {"first", "a", "second"}


async def test_a_query_that_fails_is_the_only_one_that_fails(database: Sandbox) -> None:
    async with database.transaction() as writing:
        await add(writing, "a")

    async with database.read() as reading:
        connection = await reading.connection()  # which the session then keeps
        with pytest.raises(DBAPIError, match="division by zero"):
            await connection.execute(text("SELECT 1 / 0"))
        assert await count(reading) == 1


async def test_a_caught_failure_fails_the_commit(session: AsyncSession) -> None:
    await add(session, "a")
    with contextlib.suppress(IntegrityError):
        await add(session, "a")

    with pytest.raises(AbortedTransactionError):
        await session.commit()
    await session.rollback()

    assert await count(session) == 0


async def test_a_handled_violation_keeps_earlier_rows_and_the_transaction_goes_on(
    canary_client: AsyncClient, session: AsyncSession
) -> None:
    await add(session, "a")
    await session.commit()

    handled = await canary_client.post("/canaries/a/handled")
    later = await canary_client.post("/canaries/b")

    assert handled.json() == 1
    assert later.status_code == 200
    assert await count(session) == 2


async def test_a_violation_that_is_not_handled_is_an_error_and_the_next_request_works(
    canary_client: AsyncClient, session: AsyncSession
) -> None:
    statuses = [(await canary_client.post(f"/canaries/{name}")).status_code for name in "aab"]

    assert statuses == [200, 409, 200]
    assert await count(session) == 2


async def test_a_deferred_constraint_fails_the_commit_and_leaves_no_row(
    canary_client: AsyncClient, session: AsyncSession
) -> None:
    response = await canary_client.post("/canaries/orphan", params={"parent": "nobody"})

    assert response.status_code == 409
    assert await count(session) == 0


async def test_a_deferred_constraint_stays_deferred_for_the_next_transaction(
    database: Sandbox,
) -> None:
    for generation in ("first", "second"):
        async with database.transaction() as session:
            await add(session, f"child of the {generation}", parent=generation)
            await add(session, generation)


async def test_a_constraint_that_the_test_itself_breaks_fails_its_commit(
    session: AsyncSession,
) -> None:
    await add(session, "orphan", parent="nobody")

    with pytest.raises(IntegrityError, match="canaries_parent_fkey"):
        await session.commit()


async def test_a_constraint_that_the_test_leaves_broken_is_found(savepoints: Savepoints) -> None:
    async def leave_an_orphan() -> None:
        async with Sandbox.on(savepoints) as sandbox:
            await add(sandbox.session(), "orphan", parent="nobody")

    with pytest.raises(asyncpg.ForeignKeyViolationError, match="canaries_parent_fkey"):
        await leave_an_orphan()
    async with Sandbox.on(savepoints) as next_test:
        assert await count(next_test.session()) == 0


async def run(sandbox: Sandbox, *statements: str) -> None:
    """Run each statement in a transaction of the application."""
    for statement in statements:
        async with sandbox.transaction() as session:
            await session.execute(text(statement))


async def test_a_deferred_trigger_writes_with_the_commit(
    database: Sandbox, session: AsyncSession
) -> None:
    body = "BEGIN INSERT INTO harness.canaries VALUES (NEW.name || ' again'); RETURN NULL; END"
    await run(
        database,
        f"CREATE FUNCTION harness.again() RETURNS trigger LANGUAGE plpgsql AS $${body}$$",
        "CREATE CONSTRAINT TRIGGER again AFTER INSERT ON harness.canaries INITIALLY DEFERRED"
        " FOR EACH ROW WHEN (NEW.name NOT LIKE '% again') EXECUTE FUNCTION harness.again()",
        "INSERT INTO harness.canaries VALUES ('a')",
        "INSERT INTO harness.canaries VALUES ('b')",
    )

    assert set(await session.scalars(select(Canary.name))) == {"a", "a again", "b", "b again"}


CHILDREN = "CREATE TABLE harness.children (parent text REFERENCES harness.canaries {deferrable})"
ORPHAN = text("INSERT INTO harness.children VALUES ('later')")


async def test_a_constraint_that_is_immediate_stays_immediate(database: Sandbox) -> None:
    await run(database, CHILDREN.format(deferrable="DEFERRABLE"), "SELECT 1")

    async with database.transaction() as session:
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                await session.execute(ORPHAN)


async def test_a_change_of_the_schema_is_noticed_until_the_test_ends(
    savepoints: Savepoints,
) -> None:
    async with Sandbox.on(savepoints) as first_test:
        await commit(first_test)
        await run(first_test, CHILDREN.format(deferrable="INITIALLY DEFERRED"), "SELECT 1")
        async with first_test.transaction() as session:
            await session.execute(ORPHAN)
            await add(session, "later")

    async with Sandbox.on(savepoints) as next_test:
        await commit(next_test)


@pytest.mark.parametrize(
    "statement", ["NOTIFY news", "SELECT pg_notify('news', '')", "SELECT pg_current_xact_id()"]
)
async def test_what_only_a_real_commit_shows_is_refused(
    savepoints: Savepoints, statement: str
) -> None:
    with pytest.raises(SandboxError, match=r"@pytest\.mark\.committed"):
        async with Sandbox.on(savepoints) as sandbox:
            await run(sandbox, statement)


async def test_an_isolation_level_is_refused(savepoints: Savepoints) -> None:
    options = {"isolation_level": "SERIALIZABLE"}

    with pytest.raises(SandboxError, match=r"READ COMMITTED, and not SERIALIZABLE"):
        async with Sandbox.on(savepoints) as sandbox, sandbox.transaction() as session:
            await session.connection(execution_options=options)


async def test_refusal_that_the_application_catches_fails_the_test(savepoints: Savepoints) -> None:
    async def catch_the_refusal() -> None:
        async with Sandbox.on(savepoints) as sandbox:
            with contextlib.suppress(SandboxError):
                await run(sandbox, "NOTIFY news")

    with pytest.raises(SandboxError):
        await catch_the_refusal()


@pytest.mark.parametrize("end", ["rollback", "close", "aclose", "reset", "invalidate", "__aexit__"])
async def test_the_test_cannot_undo_what_the_application_committed(
    canary_client: AsyncClient, session: AsyncSession, end: str
) -> None:
    await add(session, "arranged, and not committed")
    await canary_client.post("/canaries/a")

    with pytest.raises(RollbackError, match=r"call session.commit\(\) after arranging"):
        await getattr(session, end)(*[None] * 3 * (end == "__aexit__"))

    assert await count(session) == 2


async def test_the_test_may_roll_back_what_it_began_itself(
    canary_client: AsyncClient, session: AsyncSession
) -> None:
    await canary_client.post("/canaries/a")
    await add(session, "not committed")

    await session.rollback()

    assert await count(session) == 1


async def test_application_and_test_never_share_a_session(database: Sandbox) -> None:
    async with database.session() as ours, database.transaction() as theirs:
        assert ours is not theirs
        assert ours.sync_session is not theirs.sync_session
    async with database.transaction() as next_of_theirs:
        assert next_of_theirs is not theirs


async def test_a_row_of_the_test_shows_what_the_application_changed(
    database: Sandbox, session: AsyncSession
) -> None:
    ours = Canary(name="a")
    session.add(ours)
    await session.commit()

    async with database.transaction() as theirs:
        theirs_of_same_row = await theirs.get_one(Canary, "a")
        theirs_of_same_row.parent = "a"

    assert await session.get(Canary, "a") is ours is not theirs_of_same_row
    assert ours.parent == "a"
