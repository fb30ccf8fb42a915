"""What a session refuses to run, although PostgreSQL would."""

import re
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.pool import HAS_STATE, READ_ONLY
from app.core.db.scope import acting_block, current_block

IS_READ = "is_read"
"""Execution option of the connections of a `ReadSession`."""


class UsageError(RuntimeError):
    """A session was asked for what it is not made for: a mistake in the code, and none of the client's."""


class ReadOnlyError(UsageError):
    """A `ReadSession` was asked to write."""

    def __init__(self) -> None:
        super().__init__("This session only reads: take `Session`, or `database.transaction()`.")


class NeedsTransactionError(UsageError):
    """A `ReadSession` was asked for what only a transaction has."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} needs a transaction, and a `ReadSession` has none:"
            " take `Session`, or `database.transaction()`."
        )


COMMITS = re.compile(
    r"(COMMIT|END|ABORT|BEGIN|START|PREPARE\s+TRANSACTION|ROLLBACK(?!\s.*\bTO\b))\b", re.I | re.S
)
OUTLIVES = re.compile(
    r"SET\s(?!\s*(LOCAL|TRANSACTION|CONSTRAINTS)\b)|RESET|DISCARD|LISTEN|UNLISTEN|LOAD|DEALLOCATE"
    r"|PREPARE|CREATE\s+((LOCAL|GLOBAL)\s+)?TEMP(?!.*\bON\s+COMMIT\s+DROP\b)"
    r"|DECLARE\b.*\bWITH\s+HOLD",
    re.I | re.S,
)
# DO and CALL: outside of a transaction, what they run may commit, and what follows is not read-only.
NEEDS_TRANSACTION = re.compile(
    r"SET\s+(LOCAL|TRANSACTION|CONSTRAINTS)|SAVEPOINT|RELEASE|DECLARE|LOCK|CREATE|ROLLBACK|DO|CALL",
    re.I,
)
NO_COMMAND = re.compile(r"(\s+|;|--[^\n]*\n?)*")
"""What may stand before a command, besides comments: PostgreSQL ignores empty statements too."""

OF_COMMENT = re.compile(r"/\*|\*/")

# What a function or a clause leaves on the connection, which is cleaned when it is given back.
LEAVES_STATE = re.compile(
    r"set_config\s*\((?!.*,\s*true\s*\))|pg_(try_)?advisory_lock|\bINTO\s+((LOCAL|GLOBAL)\s+)?TEMP",
    re.I | re.S,
)

PLAIN = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


def check_statement(statement: str, *, is_read: bool) -> None:
    """Raise ``UsageError`` for a statement that would break a promise of the session.

    These are PostgreSQL's own commands at the top level of a statement, where no function or clause can
    hide them. That a read does not write is for PostgreSQL to judge, not for a list of words.
    """
    if statement.startswith(PLAIN):
        return
    sql = _without_comments(statement)
    if COMMITS.match(sql):
        raise _ends_transaction(sql)
    if OUTLIVES.match(sql):
        raise UsageError(
            f"{_command(sql)} lasts beyond this transaction, on a connection that other requests get:"
            " use SET LOCAL, or CREATE TEMP TABLE ... ON COMMIT DROP."
        )
    if is_read and NEEDS_TRANSACTION.match(sql):
        raise NeedsTransactionError(_command(sql))


@lru_cache(maxsize=1000)  # an application has so many statements, and runs each very often
def leaves_state(statement: str) -> bool:
    """Tell whether the statement may leave something on its connection."""
    return LEAVES_STATE.search(statement) is not None


def _without_comments(statement: str) -> str:
    """Return the statement from its first command on; comments can be nested."""
    while True:
        found = NO_COMMAND.match(statement)
        statement = statement[found.end() :] if found else statement
        if not statement.startswith("/*"):
            return statement
        depth, end = 0, len(statement)
        for mark in OF_COMMENT.finditer(statement):
            depth += 1 if mark[0] == "/*" else -1
            if depth == 0:
                end = mark.end()
                break
        statement = statement[end:]


def check_driver_command(sql: str, *, in_transaction: bool) -> None:
    """Raise ``UsageError`` if a command for the driver itself ends a transaction, or begins one."""
    begins = _begins(sql)
    if begins is not None and in_transaction is not begins:
        raise _ends_transaction(sql)


@lru_cache(maxsize=1000)
def _begins(sql: str) -> bool | None:
    """Tell whether a command begins a transaction, or ends one; None if it does neither."""
    command = COMMITS.match(_without_comments(sql))
    return command[0].upper().startswith(("BEGIN", "START")) if command else None


def _ends_transaction(sql: str) -> UsageError:
    return UsageError(
        f"{_command(sql)} ends or begins a transaction, which only `Database` does. For a commit"
        " of its own, use `async with database.transaction()`."
    )


def _command(sql: str) -> str:
    return " ".join(sql.split()[:2]).rstrip(";").upper()


def is_read(connection: Connection | None) -> bool:
    """Tell whether a `ReadSession` uses this connection."""
    return connection is not None and IS_READ in connection.get_execution_options()


def check_statements(engine: AsyncEngine) -> None:
    """Check each statement that sessions run on this engine, before it is sent."""
    event.listen(engine.sync_engine, "before_cursor_execute", _check)
    event.listen(engine.sync_engine, "after_cursor_execute", _check_mode)
    event.listen(engine.sync_engine, "savepoint", _check_savepoint)
    event.listen(engine.sync_engine, "begin", _check_isolation)
    event.listen(engine.sync_engine, "commit", _check_commit)


def _check(
    connection: Connection, _: Any, statement: str, _parameters: Any, context: Any, _many: bool
) -> None:
    reads = is_read(connection)
    if reads and context.execution_options.get("stream_results"):
        raise NeedsTransactionError("A server-side cursor")
    check_statement(statement, is_read=reads)
    if leaves_state(statement):
        proxy: Any = connection.connection
        proxy._connection_record.info[HAS_STATE] = True


def _check_mode(connection: Connection, *_: Any) -> None:
    """Raise if a read has left its session able to write: by a function, for instance."""
    if not is_read(connection):
        return
    proxy: Any = connection.connection
    if not proxy._connection_record.info.get(READ_ONLY):
        return
    driver = proxy.driver_connection
    if driver.is_in_transaction() or driver.get_settings().default_transaction_read_only != "on":
        connection.invalidate()
        raise ReadOnlyError


def _check_savepoint(connection: Connection, _: str) -> None:
    if is_read(connection):
        raise NeedsTransactionError("A savepoint")


def _check_isolation(connection: Connection) -> None:
    options = connection.get_execution_options()
    in_autocommit = options.get("isolation_level") == "AUTOCOMMIT"
    if in_autocommit and IS_READ not in options and current_block():
        raise UsageError(
            "In AUTOCOMMIT, each statement would be committed at once, also when the request fails:"
            " use `async with database.transaction()` for what is to be committed on its own."
        )


def _check_commit(connection: Connection) -> None:
    """Raise for a commit by way of the connection, the transaction or the synchronous session."""
    block = acting_block()
    if block and not block.may_commit and not is_read(connection):
        connection._rollback_impl()  # SQLAlchemy takes the transaction for ended now
        raise UsageError(
            "Only `Database` commits: for a commit of its own, use `async with database.transaction()`."
        )
