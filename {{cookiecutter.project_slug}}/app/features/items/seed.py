"""Items to look at while developing: ``make seed``."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.features.items import service
from app.features.items.models import Item
from app.features.items.schemas import ItemCreate


async def seed(session: AsyncSession) -> None:
    """Add a few items, unless there are some."""
    if await session.scalar(select(Item.id).limit(1)):
        return
    for number in range(1, 4):
        await service.create(session, ItemCreate(name=f"item {number}"))
