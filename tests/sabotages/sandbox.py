"""What keeps one test from another."""

from tests.sabotages.sabotage import Sabotage

SANDBOX = "tests/harness/sandbox.py"
SAVEPOINTS = "tests/harness/savepoints.py"
STATEMENTS = "tests/harness/statements.py"
LOCK = "tests/harness/connection_lock.py"
QUEUE = "app/core/db/connection_queue.py"
DATABASES = "tests/harness/databases.py"
GIVEN_SERVER = "tests/harness/given_server.py"
ENVIRONMENT = "tests/harness/environment.py"
IN_DATABASES = "tests/integration/test_databases.py"
OF_GIVEN_SERVER = "tests/unit/test_given_server.py"
OF_ENVIRONMENT = "tests/unit/test_environment.py"
IN_SANDBOX = "tests/integration/test_sandbox.py"
IN_LOCK = "tests/integration/test_connection_lock.py"

SABOTAGES = [
    Sabotage(
        "the driver is not told to commit",
        "app/core/db/aborted.py",
        "        check_driver_command(query, in_transaction=self._top_xact is not None)\n",
        "",
        f"{IN_SANDBOX}::test_command_to_the_driver_does_not_end_the_transaction",
    ),
    Sabotage(
        "the driver's own transactions are savepoints",
        SAVEPOINTS,
        "            self._run(connection, lambda _: outer.start())\n",
        '            self._run(connection, lambda driver: driver.execute("BEGIN"))\n',
        f"{IN_SANDBOX}::test_transaction_of_the_driver_is_a_savepoint",
    ),
    Sabotage(
        "a cancelled statement leaves the connection to others",
        SAVEPOINTS,
        "        if entry.dbapi_connection is None and self.kept:\n",
        "        if entry.dbapi_connection is None and not self.kept:\n",
        f"{IN_SANDBOX}::test_statement_that_is_cancelled_undoes_only_its_transaction",
    ),
    Sabotage(
        "what a cancelled statement has left is undone",
        SAVEPOINTS,
        '            await driver.execute(f"ROLLBACK TO SAVEPOINT {name}")\n',
        "",
        f"{IN_SANDBOX}::test_statement_that_is_cancelled_undoes_only_its_transaction",
    ),
    Sabotage(
        "the commit of a lost session fails as in production",
        SAVEPOINTS,
        "            return  # SQLAlchemy raises what it does in production\n",
        "            pass\n",
        f"{IN_SANDBOX}::test_session_that_was_invalidated_says_so_at_its_commit",
    ),
    Sabotage(
        "a stale first statement is prepared again in the sandbox",
        SAVEPOINTS,
        "        if connection is not fresh:\n",
        "        if fresh is not None or connection is not fresh:\n",
        f"{IN_SANDBOX}::test_stale_plan_is_prepared_again_by_the_first_statement",
    ),
    Sabotage(
        "another isolation level is refused",
        SAVEPOINTS,
        "            raise self._refuse_level(level[1])\n",
        "            pass\n",
        f"{IN_SANDBOX}::test_what_only_a_real_transaction_shows_is_refused",
    ),
    Sabotage(
        "locks of earlier requests are not shown",
        SAVEPOINTS,
        " or (of_application and LOCKS.search(statement))",
        "",
        f"{IN_SANDBOX}::test_what_only_a_real_transaction_shows_is_refused",
    ),
    Sabotage(
        "a lost connection is refused until the test ends",
        SAVEPOINTS,
        "        if driver.is_closed():\n            raise",
        "        if driver is None:\n            raise",
        f"{IN_SANDBOX}::test_lost_connection_is_refused_until_the_test_ends",
    ),
    Sabotage(
        "no row outlives its test",
        SAVEPOINTS,
        "            await outer.rollback()\n",
        "            await outer.commit()\n",
        f"{IN_SANDBOX}::test_no_row_outlives_its_test",
    ),
    Sabotage(
        "no prepared statement outlives the schema of its test",
        STATEMENTS,
        "            self._is_stale = True\n",
        "",
        f"{IN_SANDBOX}::test_no_prepared_statement_outlives_the_schema_of_its_test",
    ),
    Sabotage(
        "no statement ends the transaction of a test",
        STATEMENTS,
        "                raise TransactionEndedError(statement.strip())\n",
        "                pass\n",
        f"{IN_SANDBOX}::test_a_statement_that_ends_the_transaction_is_refused",
    ),
    Sabotage(
        "a test that clears the overrides stays in the sandbox",
        "tests/fixtures/http.py",
        '    state = {**state, "database": database}\n',
        "",
        f"{IN_SANDBOX}::test_a_request_stays_in_the_sandbox_when_overrides_are_cleared",
    ),
    Sabotage(
        "overrides are restored after a test",
        "tests/harness/state.py",
        "    State(_read_overrides, _restore_overrides),\n",
        "",
        f"{IN_SANDBOX}::test_a_request_stays_in_the_sandbox_when_overrides_are_cleared",
    ),
    Sabotage(
        "commits stay inside the test",
        SAVEPOINTS,
        '    "isolation_level": "AUTOCOMMIT",\n',
        "",
        f"{IN_SANDBOX}::test_no_row_outlives_its_test",
    ),
    Sabotage(
        "all sessions of a test share a connection",
        SAVEPOINTS,
        "import AdaptedConnection, Connection, Engine, StaticPool, event\n",
        "import AdaptedConnection, Connection, Engine, NullPool as StaticPool, event\n",
        f"{IN_SANDBOX}::test_rows_that_are_not_committed_survive_what_the_application_rolls_back",
    ),
    Sabotage(
        "what the application rolls back is gone",
        SAVEPOINTS,
        '        self._send(connection, f"ROLLBACK TO SAVEPOINT {name}")\n        self._unused = name\n',
        "        self._unused = name\n",
        f"{IN_SANDBOX}::test_what_the_application_rolls_back_is_gone_and_arranged_rows_stay",
    ),
    Sabotage(
        "what the test arranged without a commit survives what the application rolls back",
        SAVEPOINTS,
        "        self._unused = None\n        of_application",
        "        of_application",
        f"{IN_SANDBOX}::test_rows_that_are_not_committed_survive_what_the_application_rolls_back",
    ),
    Sabotage(
        "a query that fails leaves the others of its session as they are",
        SAVEPOINTS,
        '            "handle_error": self._recover,\n',
        "",
        f"{IN_SANDBOX}::test_a_query_that_fails_is_the_only_one_that_fails",
    ),
    Sabotage(
        "a commit after a failure that was not rolled back is an error",
        SAVEPOINTS,
        "        raise AbortedTransactionError from error\n",
        "        return\n",
        f"{IN_SANDBOX}::test_a_caught_failure_fails_the_commit",
    ),
    Sabotage(
        "the application and the test never share a session",
        "app/core/db/database.py",
        "        return _Transaction(self._transactions, ",
        "        self._shared = getattr(self, '_shared', None) or self._transactions()\n"
        "        return _Transaction(lambda: self._shared, ",
        f"{IN_SANDBOX}::test_application_and_test_never_share_a_session",
    ),
    Sabotage(
        "requests at once wait for the sandbox's connection",
        SAVEPOINTS,
        "                await_(self.lock.acquire(block))\n",
        "                block.scope.holders.append(block)\n",
        f"{IN_LOCK}::test_requests_at_once_succeed_beside_an_open_savepoint",
    ),
    Sabotage(
        "a block that waits too long is told who holds the connection",
        LOCK,
        'self.holder.name if self.holder else "another block"',
        '"another block"',
        f"{IN_LOCK}::test_block_that_waits_too_long_is_told_who_holds_the_connection",
    ),
    Sabotage(
        "a second connection of the sandbox is refused",
        QUEUE,
        "                self.check_second(block)\n",
        "                pass\n",
        f"{IN_LOCK}::test_transaction_inside_another_is_refused",
    ),
    Sabotage(
        "tasks that outlive their request have places of their own",
        "app/core/db/scope.py",
        "    while block is not None and not block.is_open:\n        block = block.parent\n",
        "",
        "tests/unit/test_connection_queue.py"
        "::test_tasks_that_outlive_their_request_have_places_of_their_own",
    ),
    Sabotage(
        "a refusal that the application catches fails the test",
        LOCK,
        "        self.refused = SandboxError(reason)\n        return self.refused\n",
        "        return SandboxError(reason)\n",
        f"{IN_SANDBOX}::test_refusal_that_the_application_catches_fails_the_test",
    ),
    Sabotage(
        "a deferred constraint fails the commit",
        SAVEPOINTS,
        'f"SET CONSTRAINTS ALL IMMEDIATE; RELEASE',
        'f"RELEASE',
        f"{IN_SANDBOX}::test_a_deferred_constraint_fails_the_commit_and_leaves_no_row",
    ),
    Sabotage(
        "a deferred constraint stays deferred",
        SAVEPOINTS,
        '        return self._restore or ""\n',
        '        return ""\n',
        f"{IN_SANDBOX}::test_a_deferred_constraint_stays_deferred_for_the_next_transaction",
    ),
    Sabotage(
        "an immediate constraint stays immediate",
        SAVEPOINTS,
        "WHERE condeferred\n",
        "WHERE condeferrable\n",
        f"{IN_SANDBOX}::test_a_constraint_that_is_immediate_stays_immediate",
    ),
    Sabotage(
        "a deferred trigger writes with the commit",
        SAVEPOINTS,
        '                f"SET CONSTRAINTS ALL IMMEDIATE; RELEASE SAVEPOINT {name};"\n',
        '                f"SAVEPOINT c; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK TO c;"\n'
        '                f"RELEASE SAVEPOINT {name};"\n',
        f"{IN_SANDBOX}::test_a_deferred_trigger_writes_with_the_commit",
    ),
    Sabotage(
        "a change of the schema is noticed",
        SAVEPOINTS,
        "            self._restore = None\n            self._changed_schema |= is_ours\n",
        "            self._changed_schema |= is_ours\n",
        f"{IN_SANDBOX}::test_a_change_of_the_schema_is_noticed_until_the_test_ends",
    ),
    Sabotage(
        "a change of the schema ends with its test",
        SAVEPOINTS,
        "        if self._changed_schema:\n            self._restore = None\n",
        "        pass\n",
        f"{IN_SANDBOX}::test_a_change_of_the_schema_is_noticed_until_the_test_ends",
    ),
    Sabotage(
        "what only a real commit shows is refused",
        SAVEPOINTS,
        r'r"\b(NOTIFY\s|pg_notify\s*\(|',
        r'r"\b(',
        f"{IN_SANDBOX}::test_what_only_a_real_commit_shows_is_refused",
    ),
    Sabotage(
        "an isolation level of its own is refused",
        SAVEPOINTS,
        '        elif level != "AUTOCOMMIT":\n',
        "        elif not level:\n",
        f"{IN_SANDBOX}::test_an_isolation_level_is_refused",
    ),
    *(
        Sabotage(
            f"what a transaction sets ends with it: {ending}",
            SAVEPOINTS,
            old,
            new,
            "tests/integration/test_sessions.py"
            "::test_what_ends_with_a_transaction_is_gone_in_the_next",
        )
        for ending, old, new in (
            ("roles", "RESET SESSION AUTHORIZATION; RESET ALL", "RESET ALL"),
            ("settings", "RESET ALL; DISCARD TEMP", "DISCARD TEMP"),
            ("temporary tables", "RESET ALL; DISCARD TEMP", "RESET ALL"),
            (
                "before constraints are deferred again",
                "{END_OF_TRANSACTION}; {restore}",
                "{restore}{END_OF_TRANSACTION}; ",
            ),
        )
    ),
    Sabotage(
        "the test cannot undo by another method",
        SANDBOX,
        'in ("rollback", "close", "aclose", "reset", "invalidate"):',
        'in ("rollback",):',
        f"{IN_SANDBOX}::test_the_test_cannot_undo_what_the_application_committed",
    ),
    Sabotage(
        "a constraint that the test leaves broken is found",
        SAVEPOINTS,
        '                await driver.execute("SET CONSTRAINTS ALL IMMEDIATE")\n',
        "                pass\n",
        f"{IN_SANDBOX}::test_a_constraint_that_the_test_leaves_broken_is_found",
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
        "(shobj_description(oid, 'pg_database') IS NOT DISTINCT FROM $2",
        "($2::text IS NOT NULL",
        "tests/integration/test_databases.py::test_what_a_killed_run_left_is_dropped",
    ),
    Sabotage(
        "a database of a living run is not dropped",
        DATABASES,
        "        await self._lock(name)\n        try:\n            yield name\n",
        "        try:\n            yield name\n",
        "tests/integration/test_databases.py::test_what_a_killed_run_left_is_dropped",
    ),
    Sabotage(
        "another machine is refused",
        "tests/harness/given_server.py",
        "return ip_address(host).is_loopback",
        "return bool(ip_address(host))",
        "tests/unit/test_given_server.py::test_another_machine_is_refused_and_the_way_out_named",
    ),
    Sabotage(
        "a database that has the name of a template is not touched",
        DATABASES,
        "        if found is False:\n",
        "        if found is NotImplemented:\n",
        f"{IN_DATABASES}::test_a_database_with_the_name_of_a_template_is_not_touched",
    ),
    Sabotage(
        "the mark is read before every drop",
        DATABASES,
        'WHERE datname = $1 AND {IS_OURS}"',
        'WHERE datname = $1 AND $2::text IS NOT NULL"',
        f"{IN_DATABASES}::test_a_database_that_took_the_place_of_a_clone_is_not_dropped",
    ),
    Sabotage(
        "a change of any file below migrations makes another template",
        DATABASES,
        'path.suffix != ".pyc"',
        'path.suffix == ".py"',
        f"{IN_DATABASES}::test_a_template_is_named_after_every_file_of_the_migrations",
    ),
    Sabotage(
        "a template whose migrations fail leaves no database",
        DATABASES,
        "            await self._drop(name)\n            await self._unlock(name)\n",
        "            await self._unlock(name)\n",
        f"{IN_DATABASES}::test_migrations_that_do_not_run_are_one_answer_for_the_whole_run",
    ),
    Sabotage(
        "an option that leads to another server is refused",
        GIVEN_SERVER,
        "    if unknown:\n",
        "    if unknown is NotImplemented:\n",
        f"{OF_GIVEN_SERVER}::test_an_option_that_leads_elsewhere_is_refused",
    ),
    Sabotage(
        "no variable of libpq completes TEST_DATABASE_URL",
        GIVEN_SERVER,
        'url.set(port=port, database=url.database or "postgres")',
        "url",
        f"{OF_GIVEN_SERVER}::test_no_variable_of_libpq_completes_the_url",
    ),
    Sabotage(
        "what a server lacks is one line with the next command",
        "tests/harness/servers.py",
        '    if not facts["may_create"]:\n',
        '    if facts["may_create"] is NotImplemented:\n',
        f"{OF_GIVEN_SERVER}::test_what_a_server_lacks_is_said_with_the_next_command",
    ),
    Sabotage(
        "no setting of the shell reaches a test",
        ENVIRONMENT,
        "if name not in keep and not SURVIVES.fullmatch(name)]",
        'if name.startswith("PG")]',
        f"{OF_ENVIRONMENT}::test_no_variable_of_a_setting_survives",
    ),
    Sabotage(
        "no .env reaches a test",
        ENVIRONMENT,
        "given = () if is_own else (dotenv_settings,)",
        "given = (dotenv_settings,)",
        f"{OF_ENVIRONMENT}::test_the_env_file_of_a_settings_class_is_not_read",
    ),
    Sabotage(
        "no .env reaches the served process",
        "tests/harness/service.py",
        'if not path.name.startswith(".env"):',
        "if path.name:",
        f"{OF_ENVIRONMENT}::test_the_served_process_finds_no_env_file",
    ),
    Sabotage(
        "the settings of the suite are explicit",
        DATABASES,
        "    return ExplicitSettings(\n",
        "    return Settings(\n",
        f"{OF_ENVIRONMENT}::test_the_settings_of_the_suite_read_no_variable",
    ),
    Sabotage(
        "only smoke tests run on a deployed service",
        "tests/fixtures/server.py",
        'return {"smoke", "e2e"} <= ',
        'return {"e2e"} <= ',
        "tests/e2e/test_server.py::test_a_deployed_service_gets_no_test_but_those_of_smoke",
    ),
    Sabotage(
        "server_session is on the database of the live server",
        "tests/fixtures/server.py",
        "async def own_server(server_database: URL) -> AsyncGenerator[str]:\n",
        "async def own_server(databases: Databases) -> AsyncGenerator[str]:\n"
        "  async with databases.clone() as server_database:\n",
        "tests/e2e/test_products_server.py::test_the_server_sees_what_server_session_commits",
    ),
    Sabotage(
        "variables of libpq do not reach the development server",
        "tools/postgres/__main__.py",
        'if name.startswith("PG")]:',
        'if name == "PGHOST"]:',
        "tests/unit/test_launcher.py::test_variables_of_libpq_do_not_reach_its_own_server",
    ),
]
