"""What is refused before it harms, or said in one line: settings, revisions, statements."""

from tests.sabotages.sabotage import Sabotage

ENV = "migrations/env.py"
REFUSALS = "migrations/refusals.py"
REFUSED = "tests/integration/test_migration_refusals.py"
LINT = "tests/unit/test_lint_migrations.py"

SABOTAGES = [
    Sabotage(
        "a server that does not answer is said in one line",
        REFUSALS,
        "except (OSError, DBAPIError, ",
        "except (OSError, ",
        f"{REFUSED}::test_a_server_that_does_not_answer_is_named_without_the_password",
    ),
    Sabotage(
        "a server is named without the password",
        REFUSALS,
        'place = f"{host}:{url.port or 5432}/{url.database}"',
        "place = url.render_as_string(hide_password=False)",
        f"{REFUSED}::test_a_server_that_does_not_answer_is_named_without_the_password",
    ),
    Sabotage(
        "a wrong DATABASE_URL is said in one line",
        "tools/postgres/__main__.py",
        "    except (PostgresError, ValidationError) as error:\n",
        "    except PostgresError as error:\n",
        "tests/unit/test_launcher.py::test_a_wrong_url_is_said_in_one_line_without_its_password",
    ),
    Sabotage(
        "two heads are refused with the way to join them",
        ENV,
        "        check_one_head(context.script)\n",
        "        pass\n",
        f"{REFUSED}::test_two_heads_are_to_be_joined",
    ),
    Sabotage(
        "a database that another branch has migrated is refused with the way back",
        ENV,
        "    check_known(context.script, found)\n",
        "",
        f"{REFUSED}::test_what_another_branch_has_migrated_is_to_be_taken_back",
    ),
    Sabotage(
        "a revision that fails is named in one line",
        REFUSALS,
        "        if steps.failed is None:\n",
        "        if steps.failed:\n",
        f"{REFUSED}::test_a_revision_that_fails_is_named_with_its_line_and_the_reason",
    ),
    Sabotage(
        "what a lost connection has applied is not claimed to be known",
        REFUSALS,
        "    if isinstance(error, DBAPIError) and error.connection_invalidated:\n",
        "    if not error:\n",
        f"{REFUSED}::test_a_revision_that_fails_is_named_with_its_line_and_the_reason[connection]",
    ),
    Sabotage(
        "a revision that cannot be read is named in one line",
        ENV,
        "    check_files(context.script)\n",
        "",
        f"{REFUSED}::test_revisions_that_cannot_be_read_are_named",
    ),
    Sabotage(
        "migrations that do not run are one answer for the whole run",
        "tests/harness/databases.py",
        "        raise RefusedError(why) from error\n",
        "        raise error\n",
        "tests/integration/test_databases.py"
        "::test_migrations_that_do_not_run_are_one_answer_for_the_whole_run",
    ),
    Sabotage(
        "what is dangerous to a live system is found",
        "tools/lint_migrations.py",
        "json.loads(result.stdout)",
        "json.loads('[]')",
        f"{LINT}::test_what_is_dangerous_is_found_with_the_reason_and_the_safe_way",
    ),
    Sabotage(
        "a constraint is validated in a revision of its own without a complaint",
        "tools/lint_migrations.py",
        'REPEATABLE = "VALIDATE CONSTRAINT"',
        'REPEATABLE = "VALIDATE NOTHING"',
        f"{LINT}::test_the_safe_ways_of_the_docs_are_let_through",
    ),
    Sabotage(
        "what commits by itself has a revision of its own",
        "tools/lint_migrations.py",
        "    if len(transactions) == 1:\n",
        "    if transactions:\n",
        f"{LINT}::test_what_commits_by_itself_has_a_revision_of_its_own",
    ),
    Sabotage(
        "two heads are found before a database is asked",
        "tools/lint_migrations.py",
        "    check_one_head(directory)\n",
        "",
        f"{LINT}::test_two_heads_are_refused",
    ),
    Sabotage(
        "a rule is overruled with a reason",
        "tools/lint_migrations.py",
        'if not unsafe.get(rule, "").strip():',
        "if rule not in unsafe:",
        f"{LINT}::test_a_revision_overrules_a_rule_with_a_reason_and_only_there",
    ),
]
