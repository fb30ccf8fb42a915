"""A record of the SQL that ran."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest


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
        self.statements.append(statement)
