"""The order of a list, and the cursors that name a place in it: what ``paginate`` is made of."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, NaiveDatetime, TypeAdapter
from sqlalchemy import ColumnElement, Enum, Row, and_, false, inspect, literal, or_, tuple_
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.exc import UnmappedColumnError
from sqlalchemy.sql import operators

from app.core.errors import InvalidError
from app.core.schemas import BigInteger, Text

DIGEST_SIZE = 6


class Term(NamedTuple):
    """One column or expression of an order."""

    column: ColumnElement[Any]
    descending: bool = False
    nullable: bool = True

    @property
    def clause(self) -> ColumnElement[Any]:
        return self.column.desc() if self.descending else self.column.asc()

    def follows(self, value: Any) -> ColumnElement[bool]:
        """Return the condition for what comes after a value; NULL is the largest."""
        if value is None:
            return self.column.is_not(None) if self.descending else false()
        other = literal(value, self.column.type)
        if self.descending:
            return self.column < other
        larger = self.column > other
        return or_(larger, self.column.is_(None)) if self.nullable else larger

    def equals(self, value: Any) -> ColumnElement[bool]:
        if value is None:
            return self.column.is_(None)
        return self.column == literal(value, self.column.type)


class Order(NamedTuple):
    """A complete order: no two rows of the query have the same values."""

    name: bytes
    terms: tuple[Term, ...]
    clauses: tuple[ColumnElement[Any], ...]
    columns: tuple[ColumnElement[Any], ...]
    attributes: tuple[str, ...]
    """Of the selected model, which hold the values; empty if it does not have them all."""
    cursor: TypeAdapter[Any]

    def values(self, row: Any) -> tuple[Any, ...]:
        """Return the values of a row, by which it is ordered."""
        if isinstance(row, Row):
            return tuple(row[-len(self.terms) :])
        return tuple(getattr(row, attribute) for attribute in self.attributes)

    def encode(self, values: tuple[Any, ...]) -> str:
        """Return the cursor of the page that starts after these values."""
        text = self.cursor.dump_json(values)
        return urlsafe_b64encode(self.digest(text) + text).decode()

    def decode(self, cursor: str) -> tuple[Any, ...]:
        """Return the values in a cursor; raise ``InvalidError`` unless ``encode`` of this order wrote it."""
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii"))
            digest, text = raw[:DIGEST_SIZE], raw[DIGEST_SIZE:]
            # Compared as text, too: the decoder skips characters that are not in its alphabet.
            if digest != self.digest(text) or urlsafe_b64encode(raw).decode() != cursor:
                raise ValueError(cursor)
            values: tuple[Any, ...] = self.cursor.validate_json(text, strict=True)
        except ValueError as error:
            raise InvalidError("The cursor does not belong to this list and order.") from error
        return values

    def digest(self, text: bytes) -> bytes:
        """Return a checksum that differs from order to order; it keeps no secret."""
        return blake2b(self.name + text, digest_size=DIGEST_SIZE).digest()

    def after(self, values: Sequence[Any]) -> ColumnElement[bool]:
        """Return the condition for the rows that come after the one with these values."""
        directions = {term.descending for term in self.terms}
        if len(directions) == 1 and not any(term.nullable for term in self.terms):
            # The one form that PostgreSQL takes for a range of an index.
            row = tuple_(*self.columns)
            last = tuple_(
                *(
                    literal(value, column.type)
                    for value, column in zip(values, self.columns, strict=True)
                )
            )
            return row < last if directions == {True} else row > last
        condition: ColumnElement[bool] = false()
        for term, value in reversed([*zip(self.terms, values, strict=True)]):
            condition = or_(term.follows(value), and_(term.equals(value), condition))
        return condition


def terms_of(order_by: Iterable[Any]) -> tuple[Term, ...]:
    """Read the columns and expressions of an ``order_by``."""
    return tuple(_term(clause) for clause in order_by)


def _term(clause: Any) -> Term:
    if hasattr(clause, "__clause_element__"):
        clause = clause.__clause_element__()
    modifier = getattr(clause, "modifier", None)
    if modifier in (operators.desc_op, operators.asc_op):
        return Term(clause.element, descending=modifier is operators.desc_op)
    if not isinstance(clause, ColumnElement) or modifier is not None:
        raise TypeError(
            f"paginate cannot order by {clause}: give a column or an expression, with .desc() or without."
        )
    return Term(clause)


@lru_cache
def order_of(terms: tuple[Term, ...], entities: tuple[Any, ...]) -> Order:
    """Return the order of a query that selects these models: the terms, and then the primary keys."""
    if not entities:
        raise TypeError("paginate needs a query that selects a model, or columns of one.")
    given = {term.column for term in terms}
    descending = terms[-1].descending if terms else False
    keys = [key for entity in entities for key in inspect(entity).selectable.primary_key]
    terms += tuple(Term(key, descending) for key in keys if key not in given)
    first = inspect(entities[0])
    found = [_attribute(first, term.column) for term in terms]
    # Of other models, an outer join makes every column NULL.
    terms = tuple(
        term._replace(nullable=not attribute or getattr(term.column, "nullable", True))
        for term, attribute in zip(terms, found, strict=True)
    )
    clauses = tuple(term.clause for term in terms)
    return Order(
        f"{', '.join(map(str, clauses))}\n".encode(),
        terms,
        clauses,
        tuple(term.column for term in terms),
        tuple(attribute for attribute in found if attribute) if all(found) else (),
        _cursor(tuple(_type(term) for term in terms)),
    )


def _attribute(entity: Any, column: ColumnElement[Any]) -> str | None:
    """Return the attribute of the model that holds the column."""
    if not isinstance(entity, Mapper):  # an alias, whose columns are its own
        return None
    try:
        return str(entity.get_property_by_column(column).key)
    except UnmappedColumnError:
        return None


TYPES: dict[type, Any] = {
    bool: bool,
    date: date,
    Decimal: Annotated[Decimal, Field(allow_inf_nan=True)],
    float: float,
    int: BigInteger,
    str: Text,
    time: time,
    UUID: UUID,
}


def _type(term: Term) -> Any:
    """Return the type of a value in a cursor."""
    column = term.column.type
    try:
        python_type = column.python_type
    except NotImplementedError:
        python_type = None
    if isinstance(column, Enum):
        found = python_type
    elif python_type is datetime:
        found = AwareDatetime if getattr(column, "timezone", False) else NaiveDatetime
    else:
        found = TYPES.get(python_type)
    if found is None:
        raise TypeError(
            f"paginate cannot order by {term.column}, whose type is {column!r}: tell a function its type"
            " by type_=..., or take another column."
        )
    return found | None if term.nullable else found


@lru_cache
def _cursor(types: tuple[Any, ...]) -> TypeAdapter[Any]:
    values: Any = tuple
    return TypeAdapter(values[types], config=ConfigDict(ser_json_inf_nan="constants"))
