"""Keyset pages: each page starts after the last row of the previous page, at the same cost.

With OFFSET, PostgreSQL reads and discards all rows before the page, and a row that is added meanwhile
shifts the rest.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from fastapi import Depends, Query
from pydantic import ConfigDict
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.keyset import order_of
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
    described = select.column_descriptions
    entities = dict.fromkeys(each["entity"] for each in described if each.get("entity"))
    order = order_of(order_by, tuple(entities))
    if params.cursor is not None:
        select = select.where(order.after(order.decode(params.cursor)))
    select = select.order_by(None).order_by(*order.clauses).limit(params.limit + 1)
    rows: Sequence[Any]
    if order.attributes and len(described) == 1:
        rows = (await session.scalars(select)).all()
    else:  # the values of the cursor come as columns after those that are selected
        rows = (await session.execute(select.add_columns(*order.columns))).all()
    items, cursor = list(rows[: params.limit]), None
    if len(rows) > params.limit:
        cursor = order.encode(order.values(items[-1]))
    return Page.model_construct(items=items, next_cursor=cursor)
