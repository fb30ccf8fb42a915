"""What autogenerate compares, and how it writes what it finds: for ``make migration`` and the tests."""

import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Any, Literal, NamedTuple

from alembic.autogenerate import render
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrationScript
from alembic.operations.ops import (
    CreateForeignKeyOp,
    CreateTableOp,
    DropConstraintOp,
    ExecuteSQLOp,
    MigrateOperation,
)
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, ForeignKeyConstraint, MetaData, Sequence, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import named_types
from sqlalchemy.exc import DBAPIError, SAWarning
from sqlalchemy.schema import (
    CreateSchema,
    CreateSequence,
    DropSchema,
    DropSequence,
    ExecutableDDLElement,
)
from sqlalchemy.types import SchemaType, TypeDecorator, TypeEngine

from migrations.catalog import SchemaObject, other_relations, schema_objects

PLUGINS = ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"]
"""The second is no default, because it needs names; app/core/models.py gives every check one."""

DIALECT = postgresql.dialect()

HARMLESS = (
    "Did not recognize type",  # an extension's: the test of the schema compares it by its name
    "Cannot correctly sort tables",  # two refer to each other: see _foreign_keys_last
    "Can't validate argument '(dialect_options|no_inherit|not_valid)'",  # Alembic reads checks so
    "Could not parse CHECK",  # it is compared by its name here, by its text in the test
)
"""Warnings of SQLAlchemy for a schema that is read; a service may well make every warning an error."""


def options(connection: Connection, metadata: MetaData) -> dict[str, Any]:
    """Return the options of ``context.configure`` that say what is compared and written."""
    _accept_mapped_columns(metadata)
    comparison = Comparison(connection, metadata)
    return {
        "target_metadata": metadata,
        "autogenerate_plugins": PLUGINS,
        "include_schemas": True,
        "include_name": comparison.includes_name,
        "include_object": comparison.includes,
        "compare_type": comparison.differs,
        "render_item": render_item,
        "process_revision_directives": comparison.complete,
    }


@contextmanager
def ignoring_harmless() -> Generator[None]:
    """Ignore the warnings of ``HARMLESS``."""
    with warnings.catch_warnings():
        for message in HARMLESS:
            warnings.filterwarnings("ignore", message, SAWarning)
        yield


def _accept_mapped_columns(metadata: MetaData) -> None:
    """Let options hold mapped columns, as ``postgresql_where=is_active`` does.

    SQLAlchemy takes them, and Alembic would write their ``repr``.
    """
    for table in metadata.tables.values():
        for item in (*table.indexes, *table.constraints):
            for name, value in [*item.dialect_kwargs.items()]:
                item.dialect_kwargs[name] = _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.__clause_element__() if hasattr(value, "__clause_element__") else value


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Write an own type as what it is in the database: a revision must outlive the code of today."""
    if kind != "type" or (type(item).__module__.startswith("sqlalchemy.") and not _named(item)):
        return False
    sql = item.compile(dialect=DIALECT)
    if isinstance(item, TypeDecorator):
        impl = item.load_dialect_impl(DIALECT)
        if impl.compile(dialect=DIALECT) == sql:
            return render._repr_type(impl, context)
    context.imports.add("from migrations.sql_type import SqlType")
    return f"SqlType({sql!r})"


TYPES = text("""
SELECT CASE WHEN nspname = current_schema() THEN '' ELSE nspname || '.' END || relname, attname,
    format_type(atttypid, atttypmod)
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'p')
""")

NAME_OF_TYPE = text("SELECT format_type(to_regtype(:sql), to_regtypemod(:sql))")


class Pair(NamedTuple):
    """The statement that makes a schema object, and the one that drops it."""

    make: ExecutableDDLElement
    drop: ExecutableDDLElement


def _named(item: object) -> dict[str, Pair]:
    """Return what makes a type or sequence that has a name of its own, by its key."""
    native = item.dialect_impl(DIALECT) if isinstance(item, SchemaType) else item
    match native:
        case postgresql.ENUM():
            pair = Pair(named_types.CreateEnumType(native), named_types.DropEnumType(native))
            return {_key("enum", native.schema, native.name): pair}
        case postgresql.DOMAIN():
            pair = Pair(named_types.CreateDomainType(native), named_types.DropDomainType(native))
            return {_key("domain", native.schema, native.name): pair}
        case Sequence():
            pair = Pair(CreateSequence(native), DropSequence(native))
            return {_key("sequence", native.schema, native.name): pair}
    return {}


def _key(kind: str, schema: str | None, *names: str | None) -> str:
    """Return the name of a schema object as ``migrations.catalog`` has it."""
    return f"{kind} {_short('.'.join(name for name in (schema, *names) if name))}"


def _short(name: str) -> str:
    """Leave out the default schema, which a model may name."""
    return name.removeprefix("public.")


class Comparison:
    """Alembic's comparison of one database with the models."""

    def __init__(self, connection: Connection, metadata: MetaData) -> None:
        self._connection = connection
        self._metadata = metadata

    @cached_property
    def _objects(self) -> dict[str, SchemaObject]:
        return {found.key: found for found in schema_objects(self._connection)}

    @cached_property
    def _types(self) -> dict[tuple[str, str], str]:
        rows = self._connection.execute(TYPES)
        return {(table, column): name for table, column, name in rows}

    @cached_property
    def _other_relations(self) -> set[str]:
        return other_relations(self._connection)

    def includes_name(self, name: str | None, kind: str, parents: Any) -> bool:
        """Leave out schemas that no model names, partitions, and tables of extensions."""
        if kind == "schema":
            return name is None or name in self._metadata.schemas
        if kind == "table":
            return _key("table", parents["schema_name"], name) not in self._other_relations
        return True

    def includes(
        self, item: Any, name: str | None, kind: str, reflected: bool, other: object
    ) -> bool:
        """Leave out what is declared as the database's alone, and what something else makes."""
        if other is not None:
            return kind != "foreign_key_constraint" or _signature(item) != _signature(other)
        if kind == "table":
            key = _key(kind, item.schema, name)
        else:
            word = kind if kind in ("column", "index") else "constraint"
            key = _key(word, item.table.schema, item.table.name, name)
        if reflected:
            return not (key in self._objects and self._objects[key].is_declared)
        # The column of a set of words includes its check; a view is no table.
        elsewhere = getattr(item, "_type_bound", False) or getattr(item, "is_view", False)
        return not elsewhere and key not in self._other_relations

    def differs(
        self, _1: MigrationContext, _2: Any, column: Column[Any], _3: Any, kind: TypeEngine[Any]
    ) -> bool | None:
        """Let the server say whether a column has the type of its model; None leaves it to Alembic."""
        there = self._types.get((_short(column.table.fullname), column.name))
        described = self._name_of(kind.compile(dialect=DIALECT))
        return described != there if there and described else None

    @cache  # noqa: B019 - it lives as long as the command
    def _name_of(self, sql: str) -> str | None:
        plain = sql.partition(" COLLATE ")[0]
        try:
            with self._connection.begin_nested():
                name: str | None = self._connection.scalar(NAME_OF_TYPE, {"sql": plain})
                return name
        except DBAPIError:  # it is no type's name alone, or the server is older than PostgreSQL 17
            return None

    def complete(self, _1: MigrationContext, _2: Any, directives: list[MigrationScript]) -> None:
        """Add what Alembic leaves out: schemas, types, sequences, keys of tables made later."""
        for script in directives:
            if script.upgrade_ops is None or script.downgrade_ops is None:
                continue
            up, down = script.upgrade_ops.ops, script.downgrade_ops.ops
            _foreign_keys_last(up, down)
            _foreign_keys_last(down, up)
            missing = [*self._missing()]
            up[:0] = [ExecuteSQLOp(_sql(pair.make)) for pair in missing]
            down += [ExecuteSQLOp(_sql(pair.drop)) for pair in reversed(missing)]
            views = [*self._missing_views()]
            up += [ExecuteSQLOp(_sql(pair.make)) for pair in views]
            down[:0] = [ExecuteSQLOp(_sql(pair.drop)) for pair in reversed(views)]

    def _missing(self) -> Iterator[Pair]:
        """Yield schemas, types and sequences that only the models have."""
        schemas = {*self._metadata.schemas}
        for schema in sorted(schemas - {*inspect(self._connection).get_schema_names()}):
            yield Pair(CreateSchema(schema), DropSchema(schema))
        found: dict[str, Pair] = {}
        for kind in (SchemaType, Sequence):
            for schema in (None, *schemas):
                for item in self._metadata.get_schema_objects(kind, schema=schema):
                    found |= _named(item)
        yield from (found[key] for key in sorted(found.keys() - self._objects.keys()))

    def _missing_views(self) -> Iterator[Pair]:
        """Yield views that are given as SQLAlchemy's ``CreateView``."""
        for table in self._metadata.tables.values():
            make, drop = table._creator_ddl, table._dropper_ddl
            there = _key("table", table.schema, table.name) in self._other_relations
            if table.is_view and make is not None and drop is not None and not there:
                yield Pair(make, drop)


def _sql(statement: ExecutableDDLElement) -> str:
    return str(statement.compile(dialect=DIALECT)).strip()


def _foreign_keys_last(make: list[MigrateOperation], undo: list[MigrateOperation]) -> None:
    """Give foreign keys to tables that are made later a statement of their own, after all tables."""
    tables = [operation for operation in make if isinstance(operation, CreateTableOp)]
    waiting = {_key("table", table.schema, table.table_name) for table in tables}
    keys: list[ForeignKeyConstraint] = []
    for table in tables:
        waiting.discard(_key("table", table.schema, table.table_name))
        late = [item for item in table.columns if _target(item) in waiting]
        table.columns = [item for item in table.columns if _target(item) not in waiting]
        keys += [key for key in late if isinstance(key, ForeignKeyConstraint)]
    make += [CreateForeignKeyOp.from_constraint(key) for key in keys]
    undo[:0] = [DropConstraintOp.from_constraint(key) for key in keys]


def _signature(key: Any) -> tuple[object, ...]:
    """Return what makes a foreign key; Alembic takes the default schema by its name for another."""
    options = (key.onupdate, key.ondelete, key.deferrable, key.initially)
    return (
        key.column_keys,
        [_short(element.target_fullname) for element in key.elements],
        [str(option or "no action").lower() for option in options],
    )


def _target(item: object) -> str:
    """Return the key of the table that a foreign key refers to; nothing for other items."""
    if not isinstance(item, ForeignKeyConstraint):
        return ""
    return _key("table", None, item.elements[0].target_fullname.rpartition(".")[0])
