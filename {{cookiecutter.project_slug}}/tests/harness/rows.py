"""A row in every table, whatever its columns are, to migrate a database that is in use."""

import re
from collections.abc import Callable, Iterator
from itertools import islice, product
from typing import NamedTuple, TypeVar

import pytest
from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError

from migrations.objects import ROWS

T = TypeVar("T")

_TABLES = text("""
SELECT c.oid, CASE WHEN nspname = current_schema() THEN '' ELSE nspname || '.' END || relname AS name,
    format('%I.%I', nspname, relname) AS sql
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE (relkind = 'r' OR relkind = 'p' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid))
    AND NOT relispartition AND relname <> 'alembic_version'
    AND nspname !~ '^pg_' AND nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND deptype = 'e')
""")

_COLUMNS = text("""
WITH RECURSIVE base AS (
    SELECT oid, oid AS start, typbasetype, typtypmod, typnotnull, typdefault FROM pg_type
    UNION ALL
    SELECT t.oid, start, t.typbasetype, t.typtypmod, base.typnotnull OR t.typnotnull,
        coalesce(base.typdefault, t.typdefault)
    FROM base JOIN pg_type t ON t.oid = base.typbasetype
)
SELECT attrelid, attnum, quote_ident(attname) AS name, format_type(atttypid, atttypmod) AS type,
    typcategory::text AS category,  -- "char" comes as bytes
    ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder) AS labels,
    (SELECT count(*) FROM pg_attribute m WHERE m.attrelid = t.typrelid AND t.typtype = 'c') AS members,
    attnotnull OR b.typnotnull AS required,
    atthasdef OR attidentity <> '' OR b.typdefault IS NOT NULL AS has_default,
    attgenerated <> '' AS is_generated,
    (SELECT string_agg(pg_get_constraintdef(k.oid), ' ') FROM pg_constraint k JOIN base d
     ON contypid = d.oid WHERE d.start = atttypid) AS checks
FROM pg_attribute JOIN base b ON start = atttypid AND b.typbasetype = 0 JOIN pg_type t ON t.oid = b.oid
WHERE attrelid = ANY (:tables) AND attnum > 0 AND NOT attisdropped
""")

_KEYS = text("""
SELECT conrelid, confrelid, conkey, confkey, condeferrable FROM pg_constraint
WHERE contype = 'f' AND conparentid = 0 AND conrelid = ANY (:tables)
""")

_RULES = text("""
SELECT conrelid AS relation, conname AS name, conkey::int[] AS columns, pg_get_constraintdef(oid) AS text
FROM pg_constraint WHERE contype = 'c' AND conrelid = ANY (:tables)
UNION ALL
SELECT partrelid, '', partattrs::int[], (
    SELECT string_agg(pg_get_expr(relpartbound, relid), ' ') FROM pg_partition_tree(partrelid) tree
    JOIN pg_class c ON c.oid = relid WHERE isleaf)
FROM pg_partitioned_table WHERE partrelid = ANY (:tables)
""")

_BY_CATEGORY = {
    "A": ("{}", "{1}"),
    "B": ("true", "false"),
    "D": ("now", "tomorrow", "12:00", "13:00"),
    "N": ("1", "2", "0"),
    "R": ("empty", "{}"),
    "S": ("1", "2"),
}
"""Values by the letters of pg_type: arrays, booleans, times, numbers, ranges, strings."""

_OTHERS = (
    "1",
    "00000000-0000-0000-0000-000000000001",
    "::1",
    "08:00:2b:01:02:03",
    "(1,1)",
    "((0,0),(1,1))",
    "{1,1,1}",
    "<(1,1),1>",
    "$",
    "0/0",
    "1:1:",
    "1=>1",
    "POINT(1 1)",
    "{}",
    "simple",
)
"""Values of types that have a category of their own; the first that a type takes is its value."""

_ATTEMPTS = 300
"""Values that are tried for the columns of a table's checks, before its row has to be declared."""


class _Column(NamedTuple):
    table: int
    number: int
    name: str
    type: str
    category: str
    labels: list[str]
    members: int
    required: bool
    has_default: bool
    is_generated: bool
    checks: str | None


class _Key(NamedTuple):
    table: int
    target: int
    columns: list[int]
    target_columns: list[int]
    deferrable: bool


class _Rule(NamedTuple):
    """A check, or without name the bounds of a table's partitions."""

    table: int
    name: str
    columns: list[int]
    text: str | None


class _Table(NamedTuple):
    oid: int
    name: str
    sql: str


def fill(connection: Connection) -> None:
    """Put a row into every table that has none, and commit."""
    rows = _Rows(connection)
    waiting = rows.empty_tables()
    while waiting:
        refused = {table: why for table in waiting if (why := rows.refusal(table))}
        if len(refused) == len(waiting):  # else some waited for a row of another table
            if rows.defers:
                _give_up(refused)
            rows.defer([table.oid for table in refused])
        waiting = [*refused]
    rows.check()
    connection.commit()


def _give_up(refused: dict[_Table, str]) -> None:
    said = "\n".join(f"- {table.name}: {why}" for table, why in refused.items())
    pytest.fail(
        f"Give these tables an INSERT in ROWS of migrations/objects.py:\n{said}", pytrace=False
    )


class _Rows:
    """Makes rows, from what the catalogs say of the tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tables = {oid: _Table(oid, *rest) for oid, *rest in connection.execute(_TABLES)}
        self._columns = {(c.table, c.number): c for c in self._read(_COLUMNS, _Column)}
        self._keys = self._read(_KEYS, _Key)
        self._rules = self._read(_RULES, _Rule)
        self._literals: dict[tuple[str, str], bool] = {}
        self._cycle: list[int] = []
        self.defers = False

    def _read(self, query: TextClause, kind: Callable[..., T]) -> list[T]:
        return [kind(*row) for row in self._connection.execute(query, {"tables": [*self._tables]})]

    def empty_tables(self) -> list[_Table]:
        asked = [
            f"SELECT {table.oid} WHERE NOT EXISTS (SELECT FROM {table.sql})"
            for table in self._tables.values()
        ]
        found = self._connection.scalars(text(" UNION ALL ".join(asked))) if asked else ()
        return [self._tables[oid] for oid in found]

    def defer(self, cycle: list[int]) -> None:
        """Let rows of these tables refer to each other before all of them are there."""
        self.defers, self._cycle = True, cycle
        self._connection.execute(text("SET CONSTRAINTS ALL DEFERRED"))

    def check(self) -> None:
        """Fail when a row refers to none."""
        try:
            self._connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        except DBAPIError as error:
            self._connection.rollback()
            _give_up({self._tables[oid]: str(error.orig) for oid in self._cycle})

    def refusal(self, table: _Table) -> str:
        """Put a row into a table; return why that cannot be, or nothing."""
        if declared := ROWS.get(table.name):
            error = self._error(declared)
            return str(error.orig) if error else ""
        return self._guess(table, [], {}, iter(range(_ATTEMPTS)))

    def _guess(
        self, table: _Table, rules: list[_Rule], chosen: dict[int, str], attempts: Iterator[int]
    ) -> str:
        """Vary the columns of the newest rule; the others have what suits the rules before it."""
        values, source = self._values(table, rules)
        varied = rules[-1].columns if rules else ()
        choices = [
            [chosen[number]] if number in chosen and number not in varied else options
            for number, options in values.items()
        ]
        why = ""
        for expressions, _ in zip(product(*choices), attempts, strict=False):
            row = dict(zip(values, expressions, strict=True))
            if not (error := self._error(self._insert(table, row, source))):
                return ""
            why = str(error.orig)
            for rule in self._broken(table, error, rules):
                if not self._guess(table, [*rules, rule], row, attempts):
                    return ""
        return why

    def _broken(self, table: _Table, error: DBAPIError, known: list[_Rule]) -> list[_Rule]:
        """Return the rule of the table that the row broke, if it is not yet known."""
        if getattr(error.orig, "sqlstate", None) != "23514":  # check_violation
            return []
        name = getattr(error.driver_exception, "constraint_name", None) or ""
        rules = [rule for rule in self._rules if rule.table == table.oid and rule.name == name]
        return [rule for rule in rules if rule not in known]

    def _error(self, statement: str) -> DBAPIError | None:
        try:
            with self._connection.begin_nested():
                self._connection.exec_driver_sql(statement)
        except DBAPIError as error:
            return error
        return None

    def _insert(self, table: _Table, row: dict[int, str], source: str) -> str:
        if not row:
            return f"INSERT INTO {table.sql} DEFAULT VALUES"
        names = ", ".join(self._columns[table.oid, number].name for number in row)
        return (
            f"INSERT INTO {table.sql} ({names}) OVERRIDING SYSTEM VALUE"
            f" SELECT {', '.join(row.values())} FROM (SELECT) one {source}"
        )

    def _values(self, table: _Table, rules: list[_Rule]) -> tuple[dict[int, list[str]], str]:
        """Return the expressions for each column that needs one, and what they are selected from."""
        needed = self._needed(table, rules)
        ruled = {number for rule in rules for number in rule.columns}
        values: dict[int, list[str]] = {}
        source = ""
        for position, key in enumerate(self._keys):
            if key.table != table.oid or self._is_literal(key) or not {*key.columns} <= needed:
                continue
            alias, conditions = f"f{position}", ["true"]
            for number, target in zip(key.columns, key.target_columns, strict=True):
                name = f"{alias}.{self._columns[key.target, target].name}"
                if number in values:
                    conditions.append(f"{name} = {values[number][-1]}")
                else:
                    values[number] = [name]
            source += (
                f" LEFT JOIN LATERAL (SELECT * FROM {self._tables[key.target].sql} {alias}"
                f" WHERE {' AND '.join(conditions)} LIMIT 1) {alias} ON true"
            )
        for number in sorted(needed):
            column = self._columns[table.oid, number]
            if number not in values:
                hints = [rule.text for rule in rules if number in rule.columns]
                choices = self._choices(column, [*hints, column.checks])
                wanted = None if number in ruled else 1
                values[number] = [*islice(choices, wanted)] or ["NULL"]
            if number in ruled and not column.required:
                values[number] = ["NULL", *values[number]]
        return values, source

    def _needed(self, table: _Table, rules: list[_Rule]) -> set[int]:
        """Return the columns that have to be given."""
        mine = {key: column for key, column in self._columns.items() if key[0] == table.oid}
        required = {n for (_, n), c in mine.items() if c.required}
        needed = {n for (_, n), c in mine.items() if c.required and not c.has_default}
        needed |= {n for rule in rules for n in rule.columns}
        for key in self._keys:
            if key.table == table.oid and {*key.columns} <= required:
                needed |= {*key.columns}
            if key.target == table.oid and self._is_literal(key):
                needed |= {*key.target_columns}
        return {n for n in needed if n and not mine[table.oid, n].is_generated}

    def _is_literal(self, key: _Key) -> bool:
        """Tell whether both sides get the same value, as one row or its cycle is not there yet."""
        if key.target == key.table:
            return True
        return key.deferrable and key.table in self._cycle and key.target in self._cycle

    def _choices(self, column: _Column, hints: list[str | None]) -> Iterator[str]:
        for value in dict.fromkeys(_candidates(column, hints)):
            if self._is_value(column.type, value):
                yield f"CAST({_quoted(value)} AS {column.type})"

    def _is_value(self, kind: str, value: str) -> bool:
        if (kind, value) not in self._literals:
            error = self._error(f"SELECT CAST({_quoted(value)} AS {kind})")
            self._literals[kind, value] = error is None
        return self._literals[kind, value]


def _quoted(value: str) -> str:
    return "'{}'".format(value.replace("'", "''"))


def _candidates(column: _Column, hints: list[str | None]) -> Iterator[str]:
    """Yield what may be a value of the column: first what stands in the rules that it has to keep."""
    for hint in filter(None, hints):
        quoted: list[str] = re.findall(r"'((?:[^']|'')*)'", hint)
        yield from (value.replace("''", "'") for value in quoted)
        for number in map(int, re.findall(r"\d+", hint)):
            yield from map(str, (number, number + 1, number - 1))
            if column.category == "S" and number < 1000:
                yield from (letter * number for letter in "1aA")
    yield from column.labels
    yield from _BY_CATEGORY.get(column.category, ())
    yield from _OTHERS
    size = int((re.findall(r"\d+", column.type) or ["1"])[-1])
    yield f"[{','.join('1' * size)}]"  # a vector
    yield "{1:1}/" + str(size)  # a sparse one
    yield f"({',' * (column.members - 1)})"
