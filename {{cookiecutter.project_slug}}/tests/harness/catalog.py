"""What PostgreSQL itself says about a schema, a line for each thing, so that two can be compared.

Alembic compares less: neither the values of an enum nor the text of a check.
"""

from sqlalchemy import Connection, MetaData, text

_THINGS = text(r"""
SELECT concat_ws(' ', 'table', relname, obj_description(c.oid, 'pg_class'))
FROM pg_class c WHERE relnamespace = :schema ::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
UNION ALL
SELECT concat_ws(' ', 'column', relname || '.' || attname, format_type(atttypid, atttypmod),
    CASE WHEN attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(adbin, adrelid),
    nullif(attidentity, ''), nullif(attgenerated, ''), col_description(c.oid, attnum))
FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum
WHERE relnamespace = :schema ::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
UNION ALL
SELECT concat_ws(' ', 'constraint', conname, 'of', conrelid::regclass, pg_get_constraintdef(oid),
    obj_description(oid, 'pg_constraint'))
FROM pg_constraint WHERE connamespace = :schema ::regnamespace AND contype <> 'n' -- see columns
UNION ALL
SELECT concat_ws(' ', CASE WHEN indisvalid THEN 'index' ELSE 'invalid index' END,
    replace(pg_get_indexdef(indexrelid), format(' ON %I.', :schema ::text), ' ON '),
    obj_description(indexrelid, 'pg_class'))
FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace = :schema ::regnamespace
UNION ALL
SELECT concat_ws(' ', 'enum', typname, string_agg(enumlabel, ', ' ORDER BY enumsortorder))
FROM pg_type t JOIN pg_enum ON enumtypid = t.oid
WHERE typnamespace = :schema ::regnamespace GROUP BY typname
UNION ALL
SELECT concat_ws(' ', 'function', proname, md5(prosrc))
FROM pg_proc p WHERE pronamespace = :schema ::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
""")


def things(connection: Connection, schema: str = "public") -> set[str]:
    """Return what the schema holds, apart from Alembic's own table; names in it without the schema."""
    connection.execute(text("SELECT set_config('search_path', :schema, true)"), {"schema": schema})
    found = set(connection.scalars(_THINGS, {"schema": schema}))
    return {thing for thing in found if "alembic_version" not in thing}


def things_of_models(connection: Connection, metadata: MetaData) -> set[str]:
    """Return what the models describe: made in a schema of their own, for the caller to roll back."""
    connection.execute(text("CREATE SCHEMA of_models"))
    connection.execute(text("SET LOCAL search_path TO of_models"))
    metadata.create_all(connection, checkfirst=False)
    return things(connection, "of_models")
