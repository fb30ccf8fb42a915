"""A row in every table, whatever its columns are, to migrate a database that is in use."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import DBAPIError

ROWS: dict[str, str] = {}
"""An INSERT for each table that refuses the row made here, for a check that it has for instance."""

_TABLES = text("""
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
""")

_COLUMNS = text("""
SELECT c.relname, attname, format_type(atttypid, atttypmod) AS type, typcategory AS category,
    (SELECT enumlabel FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder LIMIT 1) AS label,
    confrelid::regclass::text AS target,
    (SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = confrelid AND attnum = confkey[1]) AS key
FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid JOIN pg_type t ON t.oid = atttypid
LEFT JOIN pg_constraint ON conrelid = c.oid AND contype = 'f' AND conkey = ARRAY[attnum]
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND attnum > 0
    AND NOT attisdropped AND attnotnull AND NOT atthasdef AND attidentity = ''
""")

_BY_CATEGORY = {"A": "{}", "D": "now", "I": "::1", "R": "empty"}
"""pg_type's letters: arrays, dates and times, addresses, ranges; `1` is a value of nearly all others."""


def fill(connection: Connection) -> None:
    """Put a row into every table that has none, and commit."""
    waiting = _empty_tables(connection)
    columns = connection.execute(_COLUMNS).all() if waiting else []
    while waiting:
        refused = {
            table: said
            for table in waiting
            if (said := _refusal(connection, ROWS.get(table) or _insert(table, columns)))
        }
        if len(refused) == len(waiting):  # else some waited for a row of another table
            said = "\n".join(f"- {table}: {why}" for table, why in refused.items())
            pytest.fail(f"Give these tables a row in tests/harness/rows.py:\n{said}", pytrace=False)
        waiting = [*refused]
    connection.commit()


def _empty_tables(connection: Connection) -> list[str]:
    names = connection.scalars(_TABLES).all()
    asked = [f"SELECT '{name}' WHERE NOT EXISTS (SELECT FROM \"{name}\")" for name in names]
    return [*connection.scalars(text(" UNION ALL ".join(asked)))] if asked else []


def _refusal(connection: Connection, insert: str) -> str:
    try:
        with connection.begin_nested():
            connection.execute(text(insert))
    except DBAPIError as error:
        return str(error.orig)
    return ""


def _insert(table: str, columns: Sequence[Row[Any]]) -> str:
    needed = [column for column in columns if column.relname == table]
    if not needed:
        return f'INSERT INTO "{table}" DEFAULT VALUES'
    names = ", ".join(f'"{column.attname}"' for column in needed)
    return f'INSERT INTO "{table}" ({names}) VALUES ({", ".join(map(_value, needed))})'


def _value(column: Row[Any]) -> str:
    if column.target:
        return f"(SELECT {column.key} FROM {column.target} LIMIT 1)"
    if column.type == "uuid":
        return "gen_random_uuid()"
    literal = column.label or _BY_CATEGORY.get(column.category, "1")
    return f"CAST('{literal}' AS {column.type})"
