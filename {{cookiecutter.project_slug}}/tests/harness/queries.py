"""A record of the SQL that ran."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest

# The sandbox's savepoints stand where production begins and commits: they are not queries.
NOT_A_QUERY = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "SET CONSTRAINTS")


class Queries:
    """Records statements; ``with queries.expect(2):`` says how many a block may run."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    @contextmanager
    def expect(self, count: int) -> Generator[None]:
        """Fail, and show the statements, unless the block runs this many."""
        before = len(self.statements)
        yield
        ran = self.statements[before:]
        if len(ran) != count:
            shown = "\n".join(f"{number}. {sql}" for number, sql in enumerate(ran, 1))
            pytest.fail(f"expected {count} queries, saw {len(ran)}:\n{shown}", pytrace=False)

    def record(self, _1: object, _2: object, statement: str, *_: object) -> None:
        if not statement.startswith(NOT_A_QUERY):
            self.statements.append(statement)
