"""Keyset pages: each page starts after the last row of the previous page, at the same cost.

With OFFSET, PostgreSQL reads and discards all rows before the page, and a row that is added meanwhile
shifts the rest.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from fastapi import Depends, Query
from pydantic import ConfigDict
from sqlalchemy import Integer, Select, bindparam
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.keyset import Order, Term, order_of, terms_of
from app.core.schemas import Schema

T = TypeVar("T")


class Params(NamedTuple):
    """Size and start of the page that a client asks for."""

    limit: int = 50
    cursor: str | None = None


async def _params(
    limit: Annotated[int, Query(ge=1, le=100, description="The maximum number of items.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=2000, description="`next_cursor` of the previous page.")
    ] = None,
) -> Params:
    return Params(limit, cursor)


PageParams = Annotated[Params, Depends(_params)]
"""``?limit=&cursor=`` of a list endpoint; outside a route, write ``Params(limit=10)``."""


class Page(Schema, Generic[T]):
    """One page of a list; ``next_cursor`` is null on the last page."""

    model_config = ConfigDict(arbitrary_types_allowed=True)  # a service returns a page of models

    items: list[T]
    next_cursor: str | None


async def paginate(
    session: AsyncSession, select: Select[T], params: Params, *, order_by: Iterable[Any]
) -> Page[T]:
    """Return one page of what is selected, by one query.

    ``order_by`` takes columns and expressions, each with ``.desc()`` or without. The primary key follows
    them, so that no two rows are equal. NULL is the largest value, as in PostgreSQL. An index on the
    columns and the primary key makes each page one range of it, if all have the same direction and none
    can be NULL.

    Raises ``InvalidError`` if the cursor belongs to another list or order.
    """
    page = _prepared(select, terms_of(order_by))
    query = page.query
    if params.cursor is not None:
        query = query.where(page.order.after(page.order.decode(params.cursor)))
    values = {ROWS: params.limit + 1}
    rows: Sequence[Any]
    if page.is_plain:
        rows = (await session.scalars(query, values)).all()
    else:
        rows = (await session.execute(query, values)).all()
    items, cursor = list(rows[: params.limit]), None
    if len(rows) > params.limit:
        cursor = page.order.encode(page.order.values(items[-1]))
    return Page.model_construct(items=items, next_cursor=cursor)


ROWS = "page_rows"
"""Name of the parameter in the LIMIT."""


class Prepared(NamedTuple):
    """The query of a first page."""

    query: Select[Any]
    order: Order
    is_plain: bool
    """Whether it selects one model that has all values of the cursor; else these are the last columns."""


class Shape:
    """A query that is equal to every other one of the same structure."""

    def __init__(self, select: Select[Any], key: tuple[Any, ...]) -> None:
        self.select = select
        self.key = key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def _prepared(select: Select[Any], terms: tuple[Term, ...]) -> Prepared:
    """Return the query of the first page; what has no values in it is prepared once.

    To make out the order costs about a tenth of the processor time of a page of 50 rows.
    """
    key = select._generate_cache_key()  # as SQLAlchemy's own example of a cache does
    if key is None or key.bindparams or select.get_execution_options():
        return _prepare(select, terms)
    return _prepare_once(Shape(select, key.key), terms)


def _prepare(select: Select[Any], terms: tuple[Term, ...]) -> Prepared:
    described = select.column_descriptions
    entities = dict.fromkeys(each["entity"] for each in described if each.get("entity"))
    order = order_of(terms, tuple(entities))
    is_plain = bool(order.attributes) and len(described) == 1
    query = select if is_plain else select.add_columns(*order.columns)
    query = query.order_by(None).order_by(*order.clauses).limit(bindparam(ROWS, type_=Integer))
    return Prepared(query, order, is_plain)


@lru_cache
def _prepare_once(shape: Shape, terms: tuple[Term, ...]) -> Prepared:
    return _prepare(shape.select, terms)
