"""Every promise of a baked project, with a change that breaks it and the test that must notice.

A promise that can be broken without a red test is not a promise.
"""

from typing import NamedTuple


class Sabotage(NamedTuple):
    """Replace ``old``, which stands once in ``file``, and ``caught_by`` fails."""

    promise: str
    file: str
    old: str
    new: str
    caught_by: str


DATABASE = "app/core/database.py"
ERRORS = "app/core/errors.py"
SANDBOX = "tests/harness/sandbox.py"
DATABASES = "tests/harness/databases.py"
CREATE_ITEMS = "migrations/versions/2026_11_21_0900_create_items.py"

IN_SANDBOX = "tests/integration/test_sandbox.py"
BEFORE_RESPONSE = "tests/integration/test_commit_before_response.py"
MIGRATIONS = "tests/integration/test_migrations.py"
ITEMS = "tests/integration/test_items.py"

SABOTAGES = [
    # --- A 2xx means committed ------------------------------------------------------------------
    Sabotage(
        "the commit comes before the response",
        DATABASE,
        'Session = Annotated[AsyncSession, Depends(_transaction, scope="function")]',
        "Session = Annotated[AsyncSession, Depends(_transaction)]",
        f"{BEFORE_RESPONSE}::test_the_row_is_there_when_the_response_starts",
    ),
    Sabotage(
        "a commit that fails is an error response",
        DATABASE,
        'Session = Annotated[AsyncSession, Depends(_transaction, scope="function")]',
        "Session = Annotated[AsyncSession, Depends(_transaction)]",
        f"{BEFORE_RESPONSE}::test_a_commit_that_fails_is_an_error_and_leaves_no_row",
    ),
    Sabotage(
        "a transaction commits",
        DATABASE,
        "async with self._transactions.begin() as session:",
        "async with self._transactions() as session:",
        f"{IN_SANDBOX}::test_what_the_application_commits_is_visible",
    ),
    Sabotage(
        "a transaction that raises is rolled back, and not committed in a finally",
        DATABASE,
        "        async with self._transactions.begin() as session:\n            yield session\n",
        "        async with self._transactions() as session:\n            try:\n"
        "                yield session\n            finally:\n                await session.commit()\n",
        f"{IN_SANDBOX}::test_what_the_application_rolls_back_is_gone_and_arranged_rows_stay",
    ),
    Sabotage(
        "a session for queries refuses to write",
        DATABASE,
        "    if state.is_insert or state.is_update or state.is_delete:\n        raise ReadOnlyError\n",
        "    del state\n",
        f"{IN_SANDBOX}::test_a_session_for_queries_refuses_to_write",
    ),
    Sabotage(
        "only the database module commits",
        "app/features/items/service.py",
        "    return item\n\n\nasync def get(",
        "    await session.commit()\n    return item\n\n\nasync def get(",
        "tests/unit/test_architecture.py::test_only_the_database_module_commits",
    ),
    Sabotage(
        "core imports no feature",
        ERRORS,
        "logger = structlog",
        "from app.features.items import models\n\nlogger = structlog",
        "tests/unit/test_architecture.py::test_core_imports_no_feature",
    ),
    # --- The sandbox ----------------------------------------------------------------------------
    Sabotage(
        "no row outlives its test",
        SANDBOX,
        '"join_transaction_mode": "create_savepoint"',
        '"join_transaction_mode": "conditional_savepoint"',
        f"{IN_SANDBOX}::test_no_row_outlives_its_test",
    ),
    Sabotage(
        "arranged rows survive what the application rolls back",
        SANDBOX,
        '"join_transaction_mode": "create_savepoint"',
        '"join_transaction_mode": "rollback_only"',
        f"{IN_SANDBOX}::test_what_the_application_rolls_back_is_gone_and_arranged_rows_stay",
    ),
    Sabotage(
        "commits stay inside the test",
        SANDBOX,
        '"join_transaction_mode": "create_savepoint"',
        '"join_transaction_mode": "control_fully"',
        f"{IN_SANDBOX}::test_no_row_outlives_its_test",
    ),
    Sabotage(
        "the test's transaction is rolled back",
        SANDBOX,
        "await transaction.rollback()",
        "await transaction.commit()",
        f"{IN_SANDBOX}::test_no_row_outlives_its_test",
    ),
    Sabotage(
        "the application and the test never share a session",
        SANDBOX,
        '        async with self.turn("a transaction") as unit, super().transaction() as session:\n',
        "        if not hasattr(self, 'shared'):\n"
        "            self.shared = AsyncSession(**self._joined, expire_on_commit=False)\n"
        '        async with self.turn("a transaction") as unit, self.shared.begin():\n'
        "            session = self.shared\n",
        f"{IN_SANDBOX}::test_application_and_test_never_share_a_session",
    ),
    Sabotage(
        "requests at once take turns",
        SANDBOX,
        "await self._turn.acquire()",
        "self._turn._locked = True",
        f"{IN_SANDBOX}::test_requests_at_once_all_succeed_while_the_test_holds_a_savepoint",
    ),
    Sabotage(
        "who waits too long is told who keeps the turn",
        SANDBOX,
        "        self._holder = unit\n",
        "        self._holder = None\n",
        f"{IN_SANDBOX}::test_who_waits_too_long_is_told_who_keeps_the_turn",
    ),
    Sabotage(
        "a unit of work waits for those inside it",
        SANDBOX,
        "                await unit.close()\n            await session.flush()\n",
        "                unit.is_open = True\n            await session.flush()\n",
        f"{IN_SANDBOX}::test_a_transaction_waits_for_those_inside_it",
    ),
    Sabotage(
        "a deferred constraint fails the commit",
        SANDBOX,
        "            await self._check_deferred(session)\n",
        "",
        f"{IN_SANDBOX}::test_a_deferred_constraint_fails_the_commit_and_leaves_no_row",
    ),
    Sabotage(
        "a deferred constraint stays deferred",
        SANDBOX,
        '"ROLLBACK TO SAVEPOINT deferred; RELEASE SAVEPOINT deferred"',
        '"RELEASE SAVEPOINT deferred"',
        f"{IN_SANDBOX}::test_a_deferred_constraint_stays_deferred_for_the_next_transaction",
    ),
    Sabotage(
        "a constraint that the test itself breaks is found",
        SANDBOX,
        'await driver.execute("SET CONSTRAINTS ALL IMMEDIATE")',
        "pass",
        f"{IN_SANDBOX}::test_a_constraint_that_the_test_itself_breaks_is_found",
    ),
    Sabotage(
        "a test sees what the application changed",
        "tests/harness/isolated.py",
        '        options.setdefault("populate_existing", True)\n        return await super().get(',
        "        return await super().get(",
        f"{IN_SANDBOX}::test_a_row_of_the_test_shows_what_the_application_changed",
    ),
    Sabotage(
        "queries are counted",
        "tests/harness/queries.py",
        "if len(ran) != count:",
        "if len(ran) > 1000:",
        "tests/integration/test_queries.py::test_what_ran_is_shown_when_the_count_is_wrong",
    ),
    # --- Databases ------------------------------------------------------------------------------
    Sabotage(
        "every worker and every committed test has its own database",
        DATABASES,
        'name = f"{PREFIX}_run_{uuid4().hex[:16]}"',
        'name = f"{PREFIX}_run_shared"',
        "tests/integration/test_databases.py::test_every_clone_is_another_database",
    ),
    Sabotage(
        "what a killed run left is dropped",
        DATABASES,
        "            await databases._drop_orphans()\n",
        "",
        "tests/integration/test_databases.py::test_what_a_killed_run_left_is_dropped",
    ),
    Sabotage(
        "a database that the tests did not mark is not touched",
        DATABASES,
        " AND shobj_description(oid, 'pg_database') = $2 ORDER BY oid DESC",
        " AND $2::text IS NOT NULL ORDER BY oid DESC",
        "tests/integration/test_databases.py::test_what_a_killed_run_left_is_dropped",
    ),
    Sabotage(
        "a database of a living run is not dropped",
        DATABASES,
        "        await self._lock(name)\n        await self._create(name, template)\n",
        "        await self._create(name, template)\n",
        "tests/integration/test_databases.py::test_what_a_killed_run_left_is_dropped",
    ),
    Sabotage(
        "another machine is refused",
        "tests/harness/given_server.py",
        "return ip_address(host).is_loopback",
        "return bool(ip_address(host))",
        "tests/unit/test_given_server.py::test_another_machine_is_refused_and_the_way_out_named",
    ),
    # --- The schema -----------------------------------------------------------------------------
    Sabotage(
        "a constraint of the model is in a migration",
        CREATE_ITEMS,
        '        sa.UniqueConstraint("name", name="uq_items_name"),\n',
        "",
        f"{MIGRATIONS}::test_models_and_migrations_agree",
    ),
    Sabotage(
        "a name is unique",
        CREATE_ITEMS,
        '        sa.UniqueConstraint("name", name="uq_items_name"),\n',
        "",
        f"{ITEMS}::test_taken_name_is_a_conflict_and_keeps_earlier_rows",
    ),
    Sabotage(
        "a constraint of a migration is in the model",
        "app/features/items/models.py",
        '        UniqueConstraint("name", name=NAME_IS_UNIQUE),\n',
        "",
        f"{MIGRATIONS}::test_models_and_migrations_agree",
    ),
    Sabotage(
        "a column of the model is in a migration",
        "app/features/items/models.py",
        "    description: Mapped[str | None]\n",
        "    description: Mapped[str | None]\n    colour: Mapped[str | None]\n",
        f"{MIGRATIONS}::test_models_and_migrations_agree",
    ),
    Sabotage(
        "every model is loaded without being listed",
        "app/features/__init__.py",
        '    _modules("models")\n',
        "",
        "tests/unit/test_architecture.py::test_every_table_is_known_without_the_application",
    ),
    Sabotage(
        "a migration goes down again",
        CREATE_ITEMS,
        '    op.drop_table("items")\n',
        "",
        f"{MIGRATIONS}::test_every_migration_goes_down_and_up_again",
    ),
    # --- The suite's own settings ---------------------------------------------------------------
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
        "tests/integration/test_items.py::test_an_empty_list_is_a_page",
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
    # --- The service ----------------------------------------------------------------------------
    Sabotage(
        "an error tells nothing of the inside",
        "app/core/request_log.py",
        "problem(HTTPStatus.INTERNAL_SERVER_ERROR)",
        "problem(HTTPStatus.INTERNAL_SERVER_ERROR, str(sys.exception()))",
        "tests/integration/test_errors.py::test_an_unexpected_error_is_a_problem_without_details",
    ),
    Sabotage(
        "an invalid value is not repeated",
        ERRORS,
        "    type: str\n\n\nclass Problem",
        "    type: str\n    input: Any\n\n\nclass Problem",
        "tests/integration/test_errors.py::test_an_invalid_value_is_named_and_not_repeated",
    ),
    Sabotage(
        "a request id cannot forge a log line",
        "app/core/request_log.py",
        "given if _SAFE_ID.fullmatch(given) else uuid4().hex",
        "given or uuid4().hex",
        "tests/integration/test_request_log.py::test_a_request_id_that_could_forge_a_log_line",
    ),
    Sabotage(
        "liveness asks no database",
        "app/features/health/router.py",
        "async def live() -> Health:",
        "async def live(_: CurrentDatabase) -> Health:",
        "tests/integration/test_health.py::test_alive_without_a_database",
    ),
    Sabotage(
        "readiness is refused when the database is away",
        "app/features/health/router.py",
        "            await session.execute(select(1))\n",
        "            assert session is not None\n",
        "tests/integration/test_health.py::test_not_ready_when_the_database_is_away",
    ),
    Sabotage(
        "a page starts after the one before",
        "app/core/pagination.py",
        "query.where(key < window.after)",
        "query.where(key <= window.after)",
        f"{ITEMS}::test_pages_are_newest_first_and_complete",
    ),
    Sabotage(
        "a page costs one query",
        "app/core/pagination.py",
        "    rows = (await session.scalars(query)).all()\n",
        "    await session.scalars(query)\n    rows = (await session.scalars(query)).all()\n",
        f"{ITEMS}::test_a_page_costs_one_query_however_long_it_is",
    ),
    Sabotage(
        "values of the database come back with the statement",
        "app/core/models.py",
        '"eager_defaults": True',
        '"eager_defaults": False',
        f"{ITEMS}::test_update_changes_only_what_is_sent",
    ),
    Sabotage(
        "a password is never printed",
        "app/core/settings.py",
        "        hide_input_in_errors=True,  # a wrong DATABASE_URL holds a right password\n",
        "",
        "tests/unit/test_settings.py::test_another_database_is_refused_without_repeating_the_password",
    ),
    Sabotage(
        "an item that somebody removes meanwhile is not found",
        "app/features/items/service.py",
        "await session.delete(await get(session, item_id, lock=True))",
        "await session.delete(await get(session, item_id))",
        f"{ITEMS}::test_an_item_that_somebody_removes_meanwhile_is_not_found",
    ),
    Sabotage(
        "a cursor that was made up is invalid",
        "app/core/pagination.py",
        "if moment.utcoffset() != timedelta(0):",
        "if moment.year < timedelta(0).days:",
        "tests/unit/test_pagination.py::test_a_time_that_the_database_did_not_give_is_invalid",
    ),
    Sabotage(
        "a migration may take longer than a request",
        "migrations/env.py",
        'model_copy(update={"database_statement_timeout": None})',
        "model_copy()",
        f"{MIGRATIONS}::test_every_migration_goes_down_and_up_again",
    ),
    Sabotage(
        "what the database cannot do at the moment is unavailable",
        ERRORS,
        "for kind in (PoolTimeoutError, ConnectionError, TimeoutError, gaierror):",
        "for kind in (ConnectionError, TimeoutError, gaierror):",
        "tests/integration/test_errors.py::test_a_pool_without_a_connection_left_is_unavailable",
    ),
    Sabotage(
        "what waits too long for a lock is unavailable",
        ERRORS,
        '*("55P03", "57014"),',
        '*("57014",),',
        "tests/integration/test_errors.py::test_what_waits_too_long_for_a_lock_is_unavailable",
    ),
    Sabotage(
        "the OpenAPI document is whole",
        ERRORS,
        '    components.update(schemas["$defs"])\n',
        "    del schemas\n",
        "tests/integration/test_errors.py::test_every_reference_of_the_openapi_document",
    ),
    Sabotage(
        "the test cannot undo what the application committed",
        SANDBOX,
        "            raise RollbackError\n",
        "            pass\n",
        f"{IN_SANDBOX}::test_the_test_cannot_undo_what_the_application_committed",
    ),
]
