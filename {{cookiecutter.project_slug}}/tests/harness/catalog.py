"""The schema that the models describe, made beside the one that the migrations made."""

from sqlalchemy import Connection, MetaData, select, text

from migrations.catalog import SchemaObject, other_relations, schema_objects

AFTER = " aside"
"""How the names of schemas end that hold what the migrations made."""

MOVE_ASIDE = text(r"""
DO $$ DECLARE item record; BEGIN
    FOR item IN SELECT DISTINCT nspname FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    LOOP
        EXECUTE format('CREATE SCHEMA %I', item.nspname || ' aside');
    END LOOP;
    FOR item IN
        SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'f' THEN 'FOREIGN TABLE'
            WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END AS kind, relnamespace, relname AS name
        FROM pg_class c WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                AND d.objid = c.oid AND (deptype = 'e' OR relkind = 'S' AND deptype IN ('a', 'i')))
        UNION ALL
        SELECT CASE typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, typnamespace, typname
        FROM pg_type t WHERE typtype IN ('d', 'e')
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass
                AND d.objid = t.oid AND deptype = 'e')
    LOOP
        DECLARE space name := (SELECT nspname FROM pg_namespace n WHERE n.oid = item.relnamespace
            AND nspname !~ '^pg_' AND nspname <> 'information_schema');
        BEGIN
            CONTINUE WHEN space IS NULL;
            EXECUTE format('ALTER %s %I.%I SET SCHEMA %I', item.kind, space, item.name, space || ' aside');
        END;
    END LOOP;
END $$
""")


def migrated_objects(connection: Connection) -> set[SchemaObject]:
    """Return what the migrations made, without the tables that tests of the harness bring."""
    return {item for item in schema_objects(connection) if " harness." not in item.key}


def objects_of_models(connection: Connection, metadata: MetaData) -> set[SchemaObject]:
    """Return what the models describe; the caller rolls back.

    What the migrations made is moved aside, so that the models' own has the same schemas, extensions
    and functions around it. A model of a view or of a partition describes no table.
    """
    others = other_relations(connection)
    for table in metadata.tables.values():
        if f"table {table.fullname}" in others:
            connection.execute(
                select(table).limit(0)
            )  # else its columns would be compared with none
    connection.execute(MOVE_ASIDE)
    metadata.create_all(connection)
    found = migrated_objects(connection)
    moved = f"{AFTER}."
    return {
        item for item in found if moved not in item.key and not {item.key, *item.owners} & others
    }
