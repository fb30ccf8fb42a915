"""Pages by keyset: each page starts after the last row of the one before, at the same cost.

An offset would read and throw away all rows before the page, and shift when one is added.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, NamedTuple, Self, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from sqlalchemy import Select, bindparam, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import InvalidError
from app.core.models import Entity
from app.core.schemas import Schema

T = TypeVar("T")
Row = TypeVar("Row", bound=Entity)


class Cursor(NamedTuple):
    """The key of the last row of a page."""

    created_at: datetime
    id: UUID

    @classmethod
    def decode(cls, text: str) -> Self:
        """Read what ``encode`` wrote; anything else is an ``InvalidError``."""
        try:
            created_at, row_id = urlsafe_b64decode(text).decode("ascii").split(" ")
            moment = datetime.fromisoformat(created_at)
            if moment.utcoffset() != timedelta(0):  # asyncpg gives all times in UTC
                raise ValueError(created_at)
            return cls(moment, UUID(row_id))
        except ValueError as error:
            raise InvalidError("The cursor is not one that this service gave out.") from error

    def encode(self) -> str:
        return urlsafe_b64encode(f"{self.created_at.isoformat()} {self.id}".encode()).decode()


@dataclass(frozen=True)
class Window:
    """Which rows of a list are asked for."""

    limit: int
    after: Cursor | None = None


async def _window(
    limit: Annotated[int, Query(ge=1, le=100, description="The most items to return.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next_cursor` of the page before.")
    ] = None,
) -> Window:
    return Window(limit, Cursor.decode(cursor) if cursor else None)


PageQuery = Annotated[Window, Depends(_window)]
"""``?limit=&cursor=`` of a list endpoint."""


class Page(Schema, Generic[T]):
    """A page of a list; ``next_cursor`` is null on the last."""

    items: list[T]
    next_cursor: str | None


@dataclass(frozen=True)
class Slice(Generic[T]):
    """A page of rows, as a service returns it."""

    items: Sequence[T]
    next_cursor: str | None


class Newest(Generic[Row]):
    """The rows of a query, newest first; made once, a page costs a quarter less than of a new one."""

    def __init__(self, query: Select[Row], model: type[Row]) -> None:
        key = tuple_(model.created_at, model.id)
        after = tuple_(
            bindparam("after_created_at", type_=model.created_at.type),
            bindparam("after_id", type_=model.id.type),
        )
        newest = query.order_by(model.created_at.desc(), model.id.desc())
        self._first = newest.limit(bindparam("limit"))
        self._following = self._first.where(key < after)

    async def page(self, session: AsyncSession, window: Window) -> Slice[Row]:
        """Run the query for one window of its rows; a last row beyond it says that there is more."""
        query = self._first
        values: dict[str, Any] = {"limit": window.limit + 1}
        if window.after is not None:
            query = self._following
            values |= {"after_created_at": window.after.created_at, "after_id": window.after.id}
        rows = (await session.scalars(query, values)).all()
        items = rows[: window.limit]
        more = len(rows) > window.limit
        return Slice(items, Cursor(items[-1].created_at, items[-1].id).encode() if more else None)
