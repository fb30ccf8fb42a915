"""Models of a project under test: a required column of every type, and of an array of it.

The types are asked of SQLAlchemy, so a new one is either covered or turns the test red.
"""

import enum
from inspect import isabstract, isclass
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.mutable import MutableDict, MutableList
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from app.core.models import Base


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class LowerText(TypeDecorator[str]):
    """An own type: what it stores is another type's."""

    impl = sa.Text
    cache_ok = True


class Embedding(UserDefinedType[list[float]]):
    """An own type, of an extension that SQLAlchemy does not know."""

    cache_ok = True

    def __init__(self, size: int) -> None:
        self.size = size

    def get_col_spec(self, **_: object) -> str:
        return f"vector({self.size})"


class ShortText(sa.String):
    """An own type that specializes one of SQLAlchemy's."""


BASES = {
    "AbstractMultiRange",
    "AbstractRange",
    "AbstractSingleRange",
    "MatchType",
    "NamedType",
    "NullType",
    "TupleType",
    "TypeDecorator",
    "TypeEngine",
    "UserDefinedType",
    "Variant",
    "_Binary",
}
"""What no column can have."""

ELSEWHERE = {"BINARY", "BLOB", "CLOB", "DATETIME", "NVARCHAR", "VARBINARY"}
"""What SQLAlchemy knows for other databases; PostgreSQL has no type of these names."""

ARGUMENTS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "types.ARRAY": ((sa.Text,), {}),
    "postgresql.ARRAY": ((sa.Text,), {"dimensions": 2}),
    "types.Enum": ((Size,), {"name": "size"}),
    "postgresql.ENUM": (("a", "it's"), {"name": "letter"}),
    "postgresql.DOMAIN": (("positive", sa.Integer), {"check": "VALUE > 0", "not_null": True}),
}

OWN: dict[str, TypeEngine[Any]] = {
    "own_decorator": LowerText(),
    "own_decorated_array": postgresql.ARRAY(LowerText()),
    "own_type": Embedding(3),
    "own_subclass": ShortText(20),
    "own_mutable": MutableDict.as_mutable(postgresql.JSONB()),
    "own_mutable_array": MutableList.as_mutable(postgresql.ARRAY(sa.Text)),
    "own_variant": sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
    "own_words": sa.Enum(
        Size, name="size_word", native_enum=False, create_constraint=True, length=50
    ),
    "own_numeric": sa.Numeric(12, 2),
    "own_bits": postgresql.BIT(5, varying=True),
    "own_char": sa.CHAR(8),
    "own_interval": postgresql.INTERVAL(fields="DAY TO SECOND", precision=3),
    "own_zone": sa.DateTime(timezone=True),
    "own_time_with_zone": sa.Time(timezone=True),
    "own_collation": sa.Text(collation="C"),
    "own_domain": postgresql.DOMAIN("postcode", sa.Text, check="VALUE ~ '^[0-9]{5}$'"),
}


def classes(module: ModuleType) -> dict[str, type[TypeEngine[Any]]]:
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": found
        for name, found in sorted(vars(module).items())
        if isclass(found) and issubclass(found, TypeEngine)
        if name not in BASES | ELSEWHERE and not isabstract(found)
    }


def every_type() -> dict[str, TypeEngine[Any]]:
    made = {}
    for name, kind in (classes(types) | classes(postgresql)).items():
        arguments, options = ARGUMENTS.get(name, ((), {}))
        if issubclass(kind, (sa.TIMESTAMP, sa.DateTime)):
            options = {"timezone": True}  # a rule of the project
        made[name.replace(".", "_").lower()] = kind(*arguments, **options)
    return made | OWN


def columns(*, of_arrays: bool) -> list[sa.Column[Any]]:
    found = every_type()
    if of_arrays:  # PostgreSQL has no array of arrays, SQLAlchemy no check of an array's elements
        found = {
            name: postgresql.ARRAY(kind)
            for name, kind in every_type().items()
            if not isinstance(kind, sa.ARRAY) and getattr(kind, "native_enum", True)
        }
    return [sa.Column(name, kind, nullable=False) for name, kind in found.items()]


EVERY = sa.Table(
    "every", Base.metadata, sa.Column("id", sa.Uuid, primary_key=True), *columns(of_arrays=False)
)
ARRAYS = sa.Table(
    "arrays", Base.metadata, sa.Column("id", sa.Uuid, primary_key=True), *columns(of_arrays=True)
)
