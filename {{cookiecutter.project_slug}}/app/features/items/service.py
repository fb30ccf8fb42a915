"""What can be done with items. Functions take a session; the caller's transaction commits."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import NotFoundError, conflict_on
from app.core.pagination import Slice, Window, newest_first
from app.features.items.models import NAME_IS_UNIQUE, Item
from app.features.items.schemas import ItemCreate, ItemUpdate

NAME_IS_TAKEN = "An item with this name exists already."


async def create(session: AsyncSession, new: ItemCreate) -> Item:
    """Add an item; a name that is taken is a conflict."""
    item = Item(**new.model_dump())
    session.add(item)
    with conflict_on(NAME_IS_UNIQUE, NAME_IS_TAKEN):
        await session.flush()
    return item


async def get(session: AsyncSession, item_id: UUID, *, lock: bool = False) -> Item:
    """Return the item, or raise ``NotFoundError``; locked, nobody else changes or removes it."""
    item = await session.get(Item, item_id, with_for_update=lock)
    if item is None:
        raise NotFoundError("There is no item with this id.")
    return item


async def page(session: AsyncSession, window: Window) -> Slice[Item]:
    """Return one page of the items, newest first."""
    return await newest_first(session, select(Item), Item, window)


async def update(session: AsyncSession, item_id: UUID, change: ItemUpdate) -> Item:
    """Change the fields that were sent; a name that is taken is a conflict."""
    item = await get(session, item_id, lock=True)
    for field, value in change.model_dump(exclude_unset=True).items():
        setattr(item, field, value)
    with conflict_on(NAME_IS_UNIQUE, NAME_IS_TAKEN):
        await session.flush()
    return item


async def delete(session: AsyncSession, item_id: UUID) -> None:
    """Remove the item, or raise ``NotFoundError``."""
    await session.delete(await get(session, item_id, lock=True))
