"""Everything in a database that a model could describe, a line each, so that two can be compared.

Alembic compares less: neither the values of an enum nor the text of a check. What only a migration can
make is left out: views, functions, triggers, policies, partitions, and what belongs to an extension.
"""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from sqlalchemy import Connection, text

from migrations.objects import ONLY_IN_DATABASE

_OBJECTS = text(r"""
WITH extended AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
space AS (
    SELECT n.oid, CASE WHEN nspname = current_schema() THEN '' ELSE nspname || '.' END AS prefix
    FROM pg_namespace n WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
        AND (tableoid, oid) NOT IN (SELECT * FROM extended)
),
relation AS (
    SELECT c.*, prefix || relname AS name FROM pg_class c JOIN space ON space.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'alembic_version'
        AND (c.tableoid, c.oid) NOT IN (SELECT * FROM extended)
),
attribute AS (
    SELECT a.*, r.name, format('column %s.%s', r.name, attname) AS key
    FROM relation r JOIN pg_attribute a ON attrelid = r.oid AND attnum > 0 AND NOT attisdropped
),
kind AS (
    SELECT t.*, prefix || typname AS name FROM pg_type t JOIN space ON space.oid = typnamespace
    WHERE (t.tableoid, t.oid) NOT IN (SELECT * FROM extended)
)
SELECT 'table ' || name AS key, '{}'::text[] AS owners, concat_ws(' ', nullif(relpersistence, 'p'),
    pg_get_partkeydef(oid), reloptions::text, obj_description(oid, 'pg_class')) AS line
FROM relation
UNION ALL
SELECT key, ARRAY['table ' || name], concat_ws(' ', format_type(atttypid, atttypmod),
    CASE WHEN attcollation <> typcollation THEN 'COLLATE ' || attcollation::regcollation END,
    CASE WHEN attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(adbin, adrelid),
    nullif(attidentity, ''), nullif(attgenerated, ''), col_description(attrelid, attnum))
FROM attribute JOIN pg_type t ON t.oid = atttypid
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
UNION ALL
-- One that is half-way, NOT VALID, already holds for every new row.
SELECT format('constraint %s.%s', r.name, conname), 'table ' || r.name || ARRAY(
        SELECT key FROM attribute WHERE attrelid = r.oid AND attnum = ANY (conkey) ORDER BY 1),
    concat_ws(' ', regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', ''),
        obj_description(k.oid, 'pg_constraint'))
FROM pg_constraint k JOIN relation r ON r.oid = conrelid
WHERE contype NOT IN ('n', 't') AND conparentid = 0 -- for NOT NULL see columns
UNION ALL
SELECT format('index %s.%s', r.name, c.relname), 'table ' || r.name || ARRAY(
        SELECT key FROM attribute WHERE attrelid = r.oid AND attnum = ANY (indkey) ORDER BY 1),
    concat_ws(' ', CASE WHEN NOT indisvalid THEN 'invalid' END, pg_get_indexdef(c.oid),
        obj_description(c.oid, 'pg_class'))
FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN relation r ON r.oid = indrelid
UNION ALL
SELECT 'enum ' || name, '{}', string_agg(enumlabel, ', ' ORDER BY enumsortorder)
FROM kind JOIN pg_enum ON enumtypid = kind.oid GROUP BY name
UNION ALL
SELECT 'domain ' || name, '{}', concat_ws(' ', format_type(typbasetype, typtypmod),
    CASE WHEN typnotnull THEN 'NOT NULL' END, 'DEFAULT ' || typdefault,
    (SELECT string_agg(pg_get_constraintdef(k.oid), ', ' ORDER BY 1)
     FROM pg_constraint k WHERE contypid = kind.oid AND contype <> 'n'))
FROM kind WHERE typtype = 'd'
UNION ALL
SELECT 'sequence ' || prefix || relname, '{}', concat_ws(' ', format_type(seqtypid, NULL), seqstart,
    seqincrement, seqmin, seqmax, seqcycle)
FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid JOIN space ON space.oid = relnamespace
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND deptype IN ('a', 'e', 'i'))
UNION ALL
SELECT 'other ' || prefix || relname, '{}', ''
FROM pg_class c JOIN space ON space.oid = relnamespace
WHERE relkind IN ('f', 'm', 'v') OR relispartition OR (c.tableoid, c.oid) IN (SELECT * FROM extended)
""")


class SchemaObject(NamedTuple):
    """One line: what it is called in ``ONLY_IN_DATABASE``, what it belongs to, and what it is."""

    key: str
    owners: tuple[str, ...]
    line: str

    @property
    def is_declared(self) -> bool:
        """Tell whether ``ONLY_IN_DATABASE`` names it, its table or one of its columns."""
        return bool(declarations((self.key, *self.owners)))

    def __str__(self) -> str:
        return f"{self.key}: {self.line}"


def declarations(keys: Iterable[str], declared: Iterable[str] = ONLY_IN_DATABASE) -> set[str]:
    """Return the declarations that stand for one of these."""
    keys = list(keys)
    return {entry for entry in declared if any(fnmatchcase(key, entry) for key in keys)}


def schema_objects(connection: Connection) -> set[SchemaObject]:
    """Return what models could describe in every schema, apart from Alembic's own table."""
    return {item for item in _read(connection) if not item.key.startswith("other ")}


def other_relations(connection: Connection) -> set[str]:
    """Return the names of views, foreign tables, partitions, and tables of extensions, as keys."""
    others = (item.key for item in _read(connection) if item.key.startswith("other "))
    return {f"table {key.removeprefix('other ')}" for key in others}


def _read(connection: Connection) -> Iterator[SchemaObject]:
    for key, owners, line in connection.execute(_OBJECTS):
        yield SchemaObject(key, tuple(owners), line)
