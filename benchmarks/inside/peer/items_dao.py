from typing import List, Optional
from uuid import UUID

from fastapi import Depends
from peer.db.dependencies import get_db_session
from peer.db.models.items_model import ItemModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession


class ItemDAO:
    """Class for accessing the items table."""

    def __init__(self, session: AsyncSession = Depends(get_db_session)) -> None:
        self.session = session

    async def create_item(self, name: str, description: Optional[str]) -> ItemModel:
        """Add an item, and have the database's values for it."""
        item = ItemModel(name=name, description=description)
        self.session.add(item)
        await self.session.flush()
        return item

    async def get_items(self, limit: int, offset: int) -> List[ItemModel]:
        """Get items with limit/offset pagination, newest first."""
        raw_items = await self.session.execute(
            select(ItemModel)
            .order_by(ItemModel.created_at.desc(), ItemModel.id.desc())
            .limit(limit)
            .offset(offset),
        )
        return list(raw_items.scalars().fetchall())

    async def get_item(self, item_id: UUID) -> Optional[ItemModel]:
        """Get one item."""
        return await self.session.get(ItemModel, item_id)
