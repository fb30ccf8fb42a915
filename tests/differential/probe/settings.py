"""Settings, roles and temporary tables of a transaction."""

from sqlalchemy import func, select, text

from app.core.db import CurrentDatabase, Session
from app.core.errors import ConflictError
from app.features.probe.scenario import scenario

TENANT = text("SELECT coalesce(current_setting('app.tenant', true), '')")
OF_BOTH = "SQL INSERT INTO tenants (tenant, name) VALUES ('blue', 'b'), ('red', 'r')"


@scenario("POST", "POST")
async def set_local_ends_with_the_request(session: Session) -> list[str]:
    before = await session.scalar(TENANT) or ""
    await session.execute(text("SET LOCAL app.tenant = 'blue'"))
    return [before, await session.scalar(TENANT) or ""]


@scenario("POST", "POST")
async def set_config_ends_with_the_request(session: Session) -> list[str]:
    before = await session.scalar(TENANT) or ""
    await session.execute(select(func.set_config("app.tenant", "blue", True)))
    return [before, await session.scalar(TENANT) or ""]


@scenario("POST", "POST")
async def set_config_for_the_connection(session: Session) -> list[str]:
    before = await session.scalar(TENANT) or ""
    await session.execute(select(func.set_config("app.tenant", "blue", False)))
    return [before, await session.scalar(TENANT) or ""]


@scenario("POST", "POST")
async def set_config_for_the_connection_by_text(session: Session) -> list[str]:
    before = await session.scalar(TENANT) or ""
    await session.execute(text("SELECT set_config('app.tenant', 'blue', false)"))
    return [before, await session.scalar(TENANT) or ""]


@scenario("POST", "POST")
async def set_for_the_connection(session: Session) -> str:
    before = await session.scalar(TENANT) or ""
    await session.execute(text("SET app.tenant = 'blue'"))
    return before


@scenario()
async def reset_of_a_setting(session: Session) -> None:
    await session.execute(text("RESET app.tenant"))


@scenario()
async def discard_all(session: Session) -> None:
    await session.execute(text("DISCARD ALL"))


@scenario()
async def set_role_for_the_connection(session: Session) -> None:
    await session.execute(text("SET ROLE probe_tenant"))


@scenario()
async def set_local_ends_with_a_savepoint_that_fails(session: Session) -> str:
    nested = await session.begin_nested()
    await session.execute(text("SET LOCAL app.tenant = 'blue'"))
    await nested.rollback()
    return await session.scalar(TENANT) or ""


@scenario()
async def set_local_outlives_a_savepoint_that_succeeds(session: Session) -> str:
    async with session.begin_nested():
        await session.execute(text("SET LOCAL app.tenant = 'blue'"))
    return await session.scalar(TENANT) or ""


@scenario("POST /probe/tenant_fails", "POST")
async def setting_of_a_request_that_fails(session: Session) -> str:
    return await session.scalar(TENANT) or ""


@scenario()
async def tenant_fails(session: Session) -> None:
    await session.execute(text("SET LOCAL app.tenant = 'blue'"))
    raise ConflictError("blue")


@scenario(OF_BOTH, "POST ?tenant=blue", "POST ?tenant=red", "POST /probe/all_tenants")
async def tenant_sees_its_own_rows(tenant: str, session: Session) -> list[str]:
    await session.execute(text("SET LOCAL ROLE probe_tenant"))
    await session.execute(select(func.set_config("app.tenant", tenant, True)))
    return list(await session.scalars(text("SELECT name FROM tenants")))


@scenario(OF_BOTH, "POST")
async def all_tenants(session: Session) -> list[str]:
    return list(await session.scalars(text("SELECT name FROM tenants ORDER BY name")))


@scenario("POST", rows="SELECT tenant, name FROM tenants")
async def tenant_writes_its_own_row(session: Session) -> None:
    await session.execute(text("SET LOCAL ROLE probe_tenant"))
    await session.execute(text("SET LOCAL app.tenant = 'blue'"))
    await session.execute(text("INSERT INTO tenants (name) VALUES ('mine')"))


@scenario("POST", rows="SELECT tenant, name FROM tenants")
async def tenant_writes_a_row_of_another(session: Session) -> None:
    await session.execute(text("SET LOCAL ROLE probe_tenant"))
    await session.execute(text("SET LOCAL app.tenant = 'blue'"))
    await session.execute(text("INSERT INTO tenants VALUES ('red', 'not mine')"))


@scenario(OF_BOTH, "POST", "POST /probe/current_role")
async def role_of_a_request_ends_with_it(session: Session) -> str:
    await session.execute(text("SET LOCAL ROLE probe_tenant"))
    return await session.scalar(text("SELECT current_user")) or ""


@scenario()
async def current_role(session: Session) -> bool:
    return await session.scalar(text("SELECT current_user = session_user")) or False


@scenario()
async def set_transaction_read_only(session: Session) -> None:
    await session.execute(text("SET TRANSACTION READ ONLY"))
    await session.execute(text("INSERT INTO notes (name) VALUES ('a')"))


@scenario("POST", "POST /probe/writes_a_note")
async def read_only_ends_with_the_request(session: Session) -> int:
    await session.execute(text("SET TRANSACTION READ ONLY"))
    return await session.scalar(text("SELECT count(*) FROM notes")) or 0


@scenario()
async def writes_a_note(session: Session) -> None:
    await session.execute(text("INSERT INTO notes (name) VALUES ('a')"))


@scenario(refused="`@pytest.mark.committed`: the level of the sandbox is `READ COMMITTED`")
async def set_transaction_isolation_level(session: Session) -> str:
    """`SET TRANSACTION ISOLATION LEVEL`."""
    await session.execute(text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))
    return await session.scalar(text("SHOW transaction_isolation")) or ""


@scenario("POST", "POST")
async def search_path_of_a_request_ends_with_it(session: Session) -> str:
    before = await session.scalar(text("SHOW search_path")) or ""
    await session.execute(text("SET LOCAL search_path = pg_catalog"))
    return before


@scenario("POST", "POST")
async def time_zone_of_a_request_ends_with_it(session: Session) -> str:
    before = await session.scalar(text("SELECT current_setting('TimeZone') = 'Asia/Tokyo'"))
    await session.execute(text("SET LOCAL TIME ZONE 'Asia/Tokyo'"))
    return f"{before} {await session.scalar(text('SHOW TimeZone'))}"


@scenario("POST", "POST")
async def temporary_table_drops_on_commit(session: Session) -> int:
    await session.execute(text("CREATE TEMP TABLE staging (n int) ON COMMIT DROP"))
    await session.execute(text("INSERT INTO staging VALUES (1)"))
    return await session.scalar(text("SELECT count(*) FROM staging")) or 0


@scenario("POST", "POST")
async def temporary_table_of_the_connection(session: Session) -> None:
    await session.execute(text("CREATE TEMP TABLE staging (n int)"))


@scenario("POST", "POST")
async def temporary_table_of_a_select(session: Session) -> int:
    await session.execute(text("SELECT 1 AS n INTO TEMP staging"))
    return await session.scalar(text("SELECT count(*) FROM staging")) or 0


@scenario("POST", "POST")
async def temporary_table_in_a_function(session: Session) -> int:
    await session.execute(text("INSERT INTO notes (name) VALUES ('a') ON CONFLICT DO NOTHING"))
    return await session.scalar(text("SELECT stage()")) or 0


@scenario("POST", "POST /probe/temporary_table_drops_on_commit")
async def temporary_table_of_a_request_that_fails(session: Session) -> None:
    await session.execute(text("CREATE TEMP TABLE staging (n int) ON COMMIT DROP"))
    raise ConflictError("staging")


@scenario()
async def setting_of_the_first_transaction_is_not_that_of_the_second(
    database: CurrentDatabase,
) -> list[str]:
    async with database.transaction() as first:
        await first.execute(text("SET LOCAL app.tenant = 'blue'"))
    async with database.transaction() as second:
        in_transaction = await second.scalar(TENANT) or ""
    async with database.read() as reading:
        return [in_transaction, await reading.scalar(TENANT) or ""]
