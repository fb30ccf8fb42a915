"""``paginate`` on PostgreSQL: every row once, in order, whatever the query and the order are."""

from typing import Any

import pytest
from sqlalchemy import ForeignKey, Integer, Select, Text, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, mapped_column

from app.core.pagination import Params, paginate
from devkit.testing.queries import Queries


class Base(DeclarativeBase):
    pass


class Part(Base):
    __tablename__ = "page_parts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    weight: Mapped[float | None]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("page_parts.id"))


Parent = aliased(Part)
Alias = aliased(Part)


@pytest.fixture
async def parts(session: AsyncSession) -> AsyncSession:
    """A session in a database that has a table of parts."""
    await session.execute(
        text(
            "CREATE TABLE page_parts (id int PRIMARY KEY, name text NOT NULL, weight float,"
            " parent_id int REFERENCES page_parts)"
        )
    )
    await session.execute(
        text(
            "INSERT INTO page_parts VALUES (1, 'b', 1, NULL), (2, 'a', NULL, 1), (3, 'c', 1, 1),"
            " (4, 'b', 2.5, 2), (5, 'B', NULL, 2), (6, 'a', 'Infinity', NULL), (7, '', 0, 3)"
        )
    )
    return session


ALL = select(Part)
COLUMNS = select(Part.id, Part.name)
JOINED = select(Part.id, Parent.name.label("parent")).outerjoin(Parent, Part.parent_id == Parent.id)
COUNTED = select(Part, func.length(Part.name, type_=Integer).label("length"))


@pytest.mark.parametrize(
    ("query", "order"),
    [
        (ALL, []),
        (ALL, [Part.id.desc()]),
        (ALL, [Part.name]),
        (ALL, [Part.name.desc()]),
        (ALL, [Part.weight]),
        (ALL, [Part.weight.desc()]),
        (ALL, [Part.weight.desc(), Part.name]),
        (ALL, [Part.name, Part.weight.desc(), Part.id.desc()]),
        (ALL, [func.lower(Part.name, type_=Text).desc()]),
        (ALL.order_by(Part.weight), [Part.name]),
        (ALL.where(Part.weight > 0), [Part.weight, Part.name]),
        (COLUMNS, [Part.weight]),
        (COUNTED, [func.length(Part.name, type_=Integer), Part.name.desc()]),
        (select(Alias), [Alias.name]),
        (JOINED, [Parent.name, Part.name.desc()]),
    ],
)
async def test_pages_have_every_row_once_and_in_order(
    parts: AsyncSession, query: Select[Any], order: list[Any]
) -> None:
    seen: list[int] = []
    cursor: str | None = None
    while cursor is not None or not seen:
        page = await paginate(parts, query, Params(2, cursor), order_by=order)
        seen += [getattr(item, "id", None) or item.Part.id for item in page.items]
        cursor = page.next_cursor

    entity = Alias if order and order[0] is Alias.name else Part
    last = [entity.id.desc() if order and str(order[-1]).endswith("DESC") else entity.id]
    ordered = query.order_by(None).order_by(*order, *last)
    expected = [getattr(row, "id", None) or row[0].id for row in await parts.execute(ordered)]
    assert seen == expected


async def test_a_page_is_one_query(parts: AsyncSession, queries: Queries) -> None:
    with queries.expect(1):
        page = await paginate(parts, ALL, Params(7), order_by=[Part.name])

    assert (len(page.items), page.next_cursor) == (7, None)
