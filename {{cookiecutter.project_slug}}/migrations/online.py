"""Operations that a live system does not notice, however large the table.

They run outside of the revision's transaction and take no lock that stops a read or a write, so they
may take their time. A revision that uses one holds nothing else: when it is killed, what ran stays,
and the next attempt runs the whole revision again. These can be repeated.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations.patience import limits


@contextmanager
def without_limits() -> Generator[None]:
    """Commit what was done before, and run the block without transaction and without deadlines."""
    with op.get_context().autocommit_block():
        # Building an index waits for every transaction that began before it, and holds up none.
        op.execute("SET lock_timeout = 0")
        op.execute("SET statement_timeout = 0")
        try:
            yield
        finally:
            for limit in limits().split("; "):
                op.execute(limit)


def create_index(
    name: str, table: str, columns: Sequence[str | sa.TextClause], **options: Any
) -> None:
    """Build an index while the table is read and written; takes the options of ``op.create_index``."""
    with without_limits():
        if _is_left_invalid(name):
            op.drop_index(name, postgresql_concurrently=True)
        options |= {"postgresql_concurrently": True}
        op.create_index(name, table, list(columns), if_not_exists=True, **options)


def _is_left_invalid(name: str) -> bool:
    """Tell whether an attempt that was killed left a part of this index, which no query uses."""
    if op.get_context().as_sql:
        return False
    query = sa.text("SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    return bool(op.get_bind().scalar(query, {"name": f'"{name}"'}))


def drop_index(name: str, table: str) -> None:
    """Drop an index while the table is read and written."""
    with without_limits():
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)


def validate_constraint(name: str, table: str) -> None:
    """Check the rows for a constraint that an earlier revision added as NOT VALID."""
    with without_limits():
        op.execute(f'ALTER TABLE "{table}" VALIDATE CONSTRAINT "{name}"')


def in_batches(statement: str) -> None:
    """Repeat an UPDATE or DELETE, each time committed, until it finds no row.

    The statement limits itself, to rows that it has not changed yet, such as
    ``UPDATE products SET b = a WHERE id IN (SELECT id FROM products WHERE b IS NULL LIMIT 1000)``.
    """
    with without_limits():
        if op.get_context().as_sql:
            op.execute(statement)
            return
        while op.get_bind().execute(sa.text(statement)).rowcount:
            pass
