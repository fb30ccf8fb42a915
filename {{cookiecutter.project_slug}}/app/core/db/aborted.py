"""Aborted transactions: PostgreSQL answers their COMMIT with a rollback, and that is no error to it."""

from typing import Any

import asyncpg

from app.core.db.statements import check_driver_command


class AbortedTransactionError(Exception):
    """A transaction could not be committed: one of its statements had failed before.

    The code that ran the statement has caught the error and went on. To go on after an error, run
    the statement inside ``async with session.begin_nested()``.
    """

    def __init__(self) -> None:
        super().__init__(
            "Nothing was committed: a statement of this transaction had failed, and its error was"
            " caught. Run a statement that may fail inside `async with session.begin_nested()`."
        )


USED = -1
"""In place of a number of operations: the connection was used since its transaction began."""


class DriverConnection(asyncpg.Connection):
    """asyncpg's connection; a COMMIT that did not commit is an error."""

    operations = 0
    """How many operations were asked for so far, by whichever way."""
    operations_at_begin = USED
    resets_at_begin = False
    """Whether a transaction begins with the settings of a new connection: a function can leave others."""

    def _check_open(self) -> None:  # the first thing that each operation does
        self.operations += 1
        super()._check_open()

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        # asyncpg's own transactions note where they stand before they send a command.
        check_driver_command(query, in_transaction=self._top_xact is not None)
        if self.resets_at_begin and query.startswith("BEGIN"):
            query = f"RESET ALL; {query}"  # in the same round trip
        status: str = await super().execute(query, *args, **options)
        if query == "COMMIT;":
            raise_if_aborted(status)
        return status


def raise_if_aborted(status: str) -> None:
    """Raise ``AbortedTransactionError`` unless the server has said that it committed."""
    if status != "COMMIT":
        raise AbortedTransactionError
