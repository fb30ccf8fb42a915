"""What keeps the models, the migrations and the data together."""

from tests.sabotages.sabotage import Sabotage

CREATE_PRODUCTS = "migrations/versions/2026_11_21_0900_create_products.py"
RUNNER = "app/core/db/migrations/runner.py"
ONLINE = "app/core/db/migrations/online.py"
LOCK_RETRY = "app/core/db/migrations/lock_retry.py"
CATALOG = "devkit/migrations/catalog.py"
ROWS = "devkit/testing/rows.py"
SCHEMA = "app/features/health/schema.py"
MIGRATIONS = "tests/integration/test_migrations.py"
LIVE = "tests/integration/core/test_live_migrations.py"
HEALTH = "tests/integration/test_health.py"
PRODUCTS = "tests/integration/test_products.py"
SCHEMA_OBJECTS = "devkit/tests/integration/test_schema_objects.py"
FILLED = "devkit/tests/integration/test_rows.py"

SABOTAGES = [
    Sabotage(
        "a constraint of the model is in a migration",
        CREATE_PRODUCTS,
        '        sa.UniqueConstraint("name", name="uq_products_name"),\n',
        "",
        f"{MIGRATIONS}::test_models_and_migrations_agree",
    ),
    Sabotage(
        "a name is unique",
        CREATE_PRODUCTS,
        '        sa.UniqueConstraint("name", name="uq_products_name"),\n',
        "",
        f"{PRODUCTS}::test_taken_name_is_a_conflict_and_keeps_earlier_rows",
    ),
    Sabotage(
        "a constraint of a migration is in the model",
        "app/features/products/models.py",
        '        UniqueConstraint("name", name=NAME_IS_UNIQUE),\n',
        "",
        f"{MIGRATIONS}::test_models_and_migrations_agree",
    ),
    Sabotage(
        "a column of the model is in a migration",
        "app/features/products/models.py",
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
        "a migration goes down, and up again",
        CREATE_PRODUCTS,
        '    op.drop_table("products")\n',
        "",
        f"{MIGRATIONS}::test_every_revision_goes_up_down_and_up[empty]",
    ),
    Sabotage(
        "down to the beginning, nothing is left",
        CREATE_PRODUCTS,
        '    op.drop_table("products")\n',
        '    op.rename_table("products", "of_old")\n',
        f"{MIGRATIONS}::test_down_to_the_beginning_nothing_is_left",
    ),
    Sabotage(
        "the schema is the one of the models, line by line",
        "app/features/products/models.py",
        'Index(None, "created_at", "id"),',
        'Index(None, "created_at", "id", postgresql_with={"fillfactor": 50}),',
        f"{MIGRATIONS}::test_the_schema_is_the_one_of_the_models",
    ),
    Sabotage(
        "the values of an enum are compared",
        CATALOG,
        "string_agg(enumlabel, ', ' ORDER BY enumsortorder)",
        "count(enumlabel)",
        f"{SCHEMA_OBJECTS}::test_every_difference_is_seen",
    ),
    Sabotage(
        "the text of a check is compared",
        CATALOG,
        "regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '')",
        "contype",
        f"{SCHEMA_OBJECTS}::test_every_difference_is_seen",
    ),
    Sabotage(
        "every schema is compared",
        CATALOG,
        "WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'\n        AND (tableoid",
        "WHERE nspname = current_schema()\n        AND (tableoid",
        f"{SCHEMA_OBJECTS}::test_every_difference_is_seen",
    ),
    Sabotage(
        "a partition is not compared",
        CATALOG,
        "AND NOT relispartition AND relname",
        "AND relname",
        f"{SCHEMA_OBJECTS}::test_what_no_model_describes_is_not_compared",
    ),
    Sabotage(
        "a view is not compared",
        CATALOG,
        "WHERE relkind IN ('r', 'p') AND",
        "WHERE relkind IN ('r', 'p', 'v') AND",
        f"{SCHEMA_OBJECTS}::test_what_no_model_describes_is_not_compared",
    ),
    Sabotage(
        "a constraint that is not yet valid counts as there",
        CATALOG,
        "' NOT VALID$'",
        "' NOT EVEN VALID$'",
        f"{SCHEMA_OBJECTS}::test_what_no_model_describes_is_not_compared",
    ),
    Sabotage(
        "a declaration stands for what its table has",
        CATALOG,
        "for key in keys)}",
        "for key in keys[:1])}",
        "devkit/tests/unit/test_declarations.py::test_a_declaration_stands_for_all_that_its_table_or_column_has",
    ),
    Sabotage(
        "one change is overruled by one word",
        "devkit/commands/lint_migrations.py",
        '"renaming-object": ("renaming-table",),',
        '"renaming-object": (),',
        "devkit/tests/unit/test_lint_migrations.py::test_one_change_is_found_by_one_rule",
    ),
    Sabotage(
        "a row is made, whatever the types",
        ROWS,
        "    typcategory::text AS category,",
        "    'N' AS category,",
        f"{FILLED}::test_a_row_is_made_whatever_the_table",
    ),
    Sabotage(
        "a row is made that the checks accept",
        ROWS,
        "            for rule in self._broken(table, error, rules):\n",
        "            for rule in ():\n",
        f"{FILLED}::test_a_row_is_made_whatever_the_table",
    ),
    Sabotage(
        "a row may refer to itself",
        ROWS,
        "        if key.target == key.table:\n            return True\n",
        "",
        f"{FILLED}::test_a_row_is_made_whatever_the_table",
    ),
    Sabotage(
        "tables that refer to each other get rows",
        ROWS,
        "            rows.defer([table.oid for table in refused])\n",
        "            rows.defer([])\n",
        f"{SCHEMA_OBJECTS}::test_tables_that_refer_to_each_other_get_rows",
    ),
    Sabotage(
        "a table that no row fits is named, with the file to declare one in",
        ROWS,
        "in ROWS of migrations/objects.py",
        "in devkit/testing/rows.py",
        f"{SCHEMA_OBJECTS}::test_a_table_that_no_row_fits_is_to_be_declared",
    ),
    Sabotage(
        "every constraint has the name of the convention",
        CREATE_PRODUCTS,
        'name=op.f("pk_products")',
        'name="products_pkey"',
        f"{MIGRATIONS}::test_every_name_follows_the_convention",
    ),
    Sabotage(
        "every timestamp has a zone",
        CREATE_PRODUCTS,
        '"created_at",\n            sa.DateTime(timezone=True),',
        '"created_at",\n            sa.DateTime(),',
        f"{MIGRATIONS}::test_every_timestamp_has_a_zone",
    ),
    Sabotage(
        "the deadlines of requests are none of migrations",
        RUNNER,
        '        "database_statement_timeout": None,\n',
        "",
        f"{MIGRATIONS}::test_every_revision_goes_up_down_and_up",
    ),
    Sabotage(
        "a migration gives up a lock soon",
        LOCK_RETRY,
        "SET lock_timeout = {lock};",
        "SET lock_timeout = {lock}00000;",
        f"{LIVE}::test_what_gets_no_lock_comes_again_and_nothing_runs_twice",
    ),
    Sabotage(
        "what gets no lock comes again",
        LOCK_RETRY,
        'LOCKED = ("55P03", "40P01")',
        'LOCKED = ("40P01",)',
        f"{LIVE}::test_what_gets_no_lock_comes_again_and_nothing_runs_twice",
    ),
    Sabotage(
        "what comes again goes on where it stopped",
        LOCK_RETRY,
        "        if self._steps is None:\n",
        "        if self.attempts:\n",
        f"{LIVE}::test_what_gets_no_lock_comes_again_and_nothing_runs_twice",
    ),
    Sabotage(
        "who never gets a lock says so",
        LOCK_RETRY,
        "            if steps.attempts >= ATTEMPTS:\n",
        "            if steps.attempts >= ATTEMPTS * 100:\n",
        f"{LIVE}::test_who_never_gets_a_lock_says_so_and_leaves_what_came_before",
    ),
    Sabotage(
        "a migration has limits of its own",
        RUNNER,
        "        await driver.execute(limits())\n",
        "",
        f"{LIVE}::test_what_gets_no_lock_comes_again_and_nothing_runs_twice",
    ),
    Sabotage(
        "a statement that takes too long says so",
        LOCK_RETRY,
        "            if state == CANCELLED:\n",
        "            if state is CANCELLED + state:\n",
        f"{LIVE}::test_a_statement_that_takes_too_long_is_undone_unless_it_locks_nothing",
    ),
    Sabotage(
        "each revision is a transaction",
        RUNNER,
        "            transaction_per_migration=True,\n            **options",
        "            **options",
        f"{LIVE}::test_a_statement_that_takes_too_long_is_undone_unless_it_locks_nothing",
    ),
    Sabotage(
        "what locks nothing may take its time",
        ONLINE,
        'op.execute("SET statement_timeout = 0")',
        'op.execute("SET lock_timeout = 0")',
        f"{LIVE}::test_a_statement_that_takes_too_long_is_undone_unless_it_locks_nothing",
    ),
    Sabotage(
        "one at a time migrates",
        RUNNER,
        "        await take_migration_lock(driver)\n",
        "",
        f"{LIVE}::test_one_migrates_and_who_has_nothing_to_do_does_not_wait",
    ),
    Sabotage(
        "who waits for its turn asks, and does not wait inside the server",
        "app/core/db/migrations/migration_lock.py",
        "pg_try_advisory_lock($1)",
        "pg_advisory_lock($1) IS NOT NULL",
        f"{LIVE}::test_one_migrates_and_who_has_nothing_to_do_does_not_wait",
    ),
    Sabotage(
        "a migration with nothing to do does not wait",
        RUNNER,
        "        if await connection.run_sync(self.is_nothing_to_do):\n            return\n",
        "        await connection.run_sync(self.is_nothing_to_do)\n",
        f"{LIVE}::test_one_migrates_and_who_has_nothing_to_do_does_not_wait",
    ),
    Sabotage(
        "an index is built beside writers",
        ONLINE,
        '        options |= {"postgresql_concurrently": True}\n',
        "",
        f"{LIVE}::test_an_index_is_built_beside_writers_and_after_an_attempt_that_failed",
    ),
    Sabotage(
        "an index of which a part is left is built again",
        ONLINE,
        "        if _is_left_invalid(name):\n",
        "        if not name:\n",
        f"{LIVE}::test_an_index_is_built_beside_writers_and_after_an_attempt_that_failed",
    ),
    Sabotage(
        "what runs in batches runs to the end",
        ONLINE,
        "            pass\n",
        "            break\n",
        f"{MIGRATIONS}::test_rows_of_an_earlier_revision_are_right_after_it",
    ),
    Sabotage(
        "readiness is refused while a migration is missing",
        SCHEMA,
        "    if is_behind(state.revisions, code):\n",
        "    if not code:\n",
        f"{HEALTH}::test_not_ready_while_a_migration_is_missing",
    ),
    Sabotage(
        "readiness is refused before the first migration",
        SCHEMA,
        "        row = (await session.execute(text(NEVER_MIGRATED))).one()\n",
        "        return State(of_code().heads, refuses_writes=False)\n",
        f"{HEALTH}::test_not_ready_while_nobody_has_migrated",
    ),
    Sabotage(
        "the old release is ready while the new one has migrated",
        SCHEMA,
        "return found <= code.all and found != code.heads",
        "return found != code.heads",
        f"{HEALTH}::test_ready_while_newer_code_has_migrated",
    ),
    Sabotage(
        "readiness costs one query",
        SCHEMA,
        "    code, state = of_code(), await of_database(session)\n",
        "    await of_database(session)\n    code, state = of_code(), await of_database(session)\n",
        f"{HEALTH}::test_ready_while_the_database_answers",
    ),
]
