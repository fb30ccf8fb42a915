"""Which statements a session refuses before they are sent."""

import pytest

from app.core.db.statements import (
    NeedsTransactionError,
    UsageError,
    check_driver_command,
    check_statement,
)

ENDS_A_TRANSACTION = [
    "COMMIT",
    "commit and chain",
    "-- done\nCOMMIT",
    "/* done */ End;",
    "/* /* nested */ */ COMMIT",
    "; COMMIT",
    "ABORT",
    "ROLLBACK",
    "rollback work",
    "BEGIN",
    "START TRANSACTION",
    "PREPARE TRANSACTION 'a'",
]

OUTLIVES_A_TRANSACTION = [
    "SET app.tenant = 'a'",
    "set session app.tenant = 'a'",
    "SET ROLE reader",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "RESET ALL",
    "DISCARD ALL",
    "LISTEN news",
    "LOAD 'auto_explain'",
    "PREPARE a AS SELECT 1",
    "DEALLOCATE a",
    "CREATE TEMP TABLE a (n int)",
    "create local temporary table a (n int) on commit delete rows",
    "DECLARE a CURSOR WITH HOLD FOR SELECT 1",
]

ENDS_WITH_ITS_TRANSACTION = [
    "SET LOCAL app.tenant = 'a'",
    "SET  LOCAL ROLE reader",
    "SET TRANSACTION READ ONLY",
    "SET CONSTRAINTS ALL DEFERRED",
    "SAVEPOINT a",
    "ROLLBACK TO SAVEPOINT a",
    "Rollback Work To a",
    "RELEASE SAVEPOINT a",
    "LOCK TABLE products",
    "CREATE TEMP TABLE a (n int)\nON COMMIT DROP",
    "DECLARE a CURSOR FOR SELECT 1",
]

HARMLESS = [
    "SELECT 'COMMIT'",
    "(SELECT 1)",
    "VALUES (1)",
    "UPDATE products SET name = 'a'",
    "SHOW lock_timeout",
    "EXPLAIN SELECT 1",
    "TABLE products",
]


@pytest.mark.parametrize("is_read", [False, True])
@pytest.mark.parametrize(
    ("statement", "reason"),
    [(statement, "ends or begins a transaction") for statement in ENDS_A_TRANSACTION]
    + [(statement, "lasts beyond this transaction") for statement in OUTLIVES_A_TRANSACTION],
)
def test_statement_that_breaks_a_promise_is_refused(
    statement: str, reason: str, is_read: bool
) -> None:
    with pytest.raises(UsageError, match=reason):
        check_statement(statement, is_read=is_read)


@pytest.mark.parametrize(
    "statement", [*ENDS_WITH_ITS_TRANSACTION, "DO $$ BEGIN COMMIT; END $$", "CALL tidy()"]
)
def test_statement_that_needs_a_transaction_has_one(statement: str) -> None:
    check_statement(statement, is_read=False)
    with pytest.raises(NeedsTransactionError, match="take `Session`"):
        check_statement(statement, is_read=True)


@pytest.mark.parametrize("statement", HARMLESS)
def test_statement_that_breaks_no_promise_is_run(statement: str) -> None:
    check_statement(statement, is_read=False)
    check_statement(statement, is_read=True)


@pytest.mark.parametrize(
    ("command", "in_transaction"), [("COMMIT", True), ("rollback;", True), ("BEGIN", False)]
)
def test_command_that_ends_or_begins_a_transaction_is_refused(
    command: str, in_transaction: bool
) -> None:
    with pytest.raises(UsageError, match="which only `Database` does"):
        check_driver_command(command, in_transaction=in_transaction)


@pytest.mark.parametrize(
    ("command", "in_transaction"),
    # asyncpg has noted that its transaction begins or ends before it sends these.
    [("BEGIN;", True), ("COMMIT;", False), ("ROLLBACK;", False), ("ROLLBACK TO a;", True)],
)
def test_commands_of_the_driver_itself_are_sent(command: str, in_transaction: bool) -> None:
    check_driver_command(command, in_transaction=in_transaction)
