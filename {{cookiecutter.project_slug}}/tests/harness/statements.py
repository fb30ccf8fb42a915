"""Statements whose effect the rollback of the sandbox does not undo."""

import re

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.scope import Block, acting_block
from app.core.db.statements import UsageError

_START = r"(?:\s|\(|/\*.*?\*/|--[^\n]*\n)*"

_ROLLED_BACK = re.compile(
    rf"{_START}(?:SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|VALUES|TABLE|COPY|TRUNCATE|LOCK|EXPLAIN"
    r"|SET|SHOW|RESET|SAVEPOINT|RELEASE|DECLARE|FETCH|MOVE|CLOSE|NOTIFY)\b",
    re.DOTALL | re.IGNORECASE,
)
"""What leaves nothing in the connection after its transaction."""

_ENDS_TRANSACTION = re.compile(
    rf"{_START}(?:COMMIT|END|ABORT|PREPARE\s+TRANSACTION|ROLLBACK(?!\s+(?:\w+\s+)?TO\b))\b",
    re.DOTALL | re.IGNORECASE,
)

_CLUSTER_WIDE = re.compile(
    rf'{_START}CREATE\s+(ROLE|USER|GROUP|TABLESPACE|DATABASE)\s+("[^"]+"|\w+)',
    re.DOTALL | re.IGNORECASE,
)


class TransactionEndedError(UsageError):
    """The test has ended the transaction that would have been rolled back after it."""

    def __init__(self, how: str) -> None:
        super().__init__(
            f"{how} would end the transaction that the sandbox rolls back: use session.commit() or "
            "begin_nested(), or mark the test with @pytest.mark.committed."
        )


class Statements:
    """The statements of one sandbox after another, on this engine."""

    def __init__(self, engine: AsyncEngine, of_test: Block) -> None:
        self._of_test = of_test
        self._is_stale = False
        event.listen(engine.sync_engine, "before_cursor_execute", self._check)

    def _check(self, _: object, __: object, statement: str, *___: object) -> None:
        if not _ROLLED_BACK.match(statement):
            # The application's own are refused as in production.
            if acting_block() is self._of_test and _ENDS_TRANSACTION.match(statement):
                raise TransactionEndedError(statement.strip())
            self._is_stale = True

    def leave_traces(self) -> bool:
        """Tell once whether the connection holds what a rollback leaves.

        That is a prepared statement for instance, or a type that the driver remembers.
        """
        stale, self._is_stale = self._is_stale, False
        return stale


class ClusterWide:
    """Roles, tablespaces and databases that an engine creates: dropping its database leaves them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._created: list[tuple[str, str]] = []
        event.listen(engine.sync_engine, "before_cursor_execute", self._note)

    def _note(self, _: object, __: object, statement: str, *___: object) -> None:
        if created := _CLUSTER_WIDE.match(statement):
            kind = created[1].upper()
            self._created.append(("ROLE" if kind in ("USER", "GROUP") else kind, created[2]))

    async def drop(self, engine: AsyncEngine) -> list[str]:
        """Drop those that are left, through another database; return their names."""
        if not self._created:
            return []
        left = []
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            for kind, name in self._created:
                if await connection.scalar(_EXISTS, {"name": name.strip('"')}):
                    await connection.execute(text(f"DROP {kind} {name}"))
                    left.append(f"{kind.lower()} {name}")
        return left


_EXISTS = text(
    "SELECT count(*) FROM (SELECT rolname FROM pg_roles UNION ALL SELECT spcname FROM pg_tablespace"
    " UNION ALL SELECT datname FROM pg_database) AS names (name) WHERE name = :name"
)
