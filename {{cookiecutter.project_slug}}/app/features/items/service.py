"""What can be done with items. Functions take a session; the caller's transaction commits."""

from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import NotFoundError, conflict_on
from app.core.pagination import Newest, Slice, Window
from app.features.items.models import NAME_IS_UNIQUE, Item
from app.features.items.schemas import ItemCreate, ItemUpdate

NAME_IS_TAKEN = "An item with this name exists already."

# Queries are made once: SQLAlchemy takes longer to make one out than to run it.
BY_ID = select(Item).where(Item.id == bindparam("id"))
LOCKED = BY_ID.with_for_update().execution_options(populate_existing=True)
NEWEST = Newest(select(Item), Item)


async def create(session: AsyncSession, new: ItemCreate) -> Item:
    """Add an item; a name that is taken is a conflict."""
    item = Item(**new.model_dump())
    session.add(item)
    with conflict_on(NAME_IS_UNIQUE, NAME_IS_TAKEN):
        await session.flush()
    return item


async def get(session: AsyncSession, item_id: UUID, *, lock: bool = False) -> Item:
    """Return the item, or raise ``NotFoundError``; locked, nobody else changes or removes it."""
    item = await session.scalar(LOCKED if lock else BY_ID, {"id": item_id})
    if item is None:
        raise NotFoundError("There is no item with this id.")
    return item


async def page(session: AsyncSession, window: Window) -> Slice[Item]:
    """Return one page of the items, newest first."""
    return await NEWEST.page(session, window)


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
