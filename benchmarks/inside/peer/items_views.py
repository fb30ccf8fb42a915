from datetime import datetime
from typing import List, Optional
from uuid import UUID

from fastapi import APIRouter, HTTPException
from fastapi.param_functions import Depends
from peer.db.dao.items_dao import ItemDAO
from peer.db.models.items_model import ItemModel
from pydantic import BaseModel, ConfigDict

router = APIRouter()


class ItemDTO(BaseModel):
    """DTO for items."""

    id: UUID
    name: str
    description: Optional[str]
    created_at: datetime
    updated_at: datetime

    model_config = ConfigDict(from_attributes=True)


class ItemInputDTO(BaseModel):
    """DTO for creating a new item."""

    name: str
    description: Optional[str] = None


@router.get("", response_model=List[ItemDTO])
async def get_items(
    limit: int = 10, offset: int = 0, item_dao: ItemDAO = Depends()
) -> List[ItemModel]:
    """Retrieve items from the database."""
    return await item_dao.get_items(limit=limit, offset=offset)


@router.get("/{item_id}", response_model=ItemDTO)
async def get_item(item_id: UUID, item_dao: ItemDAO = Depends()) -> ItemModel:
    """Retrieve one item from the database."""
    item = await item_dao.get_item(item_id)
    if item is None:
        raise HTTPException(status_code=404)
    return item


@router.post("", response_model=ItemDTO, status_code=201)
async def create_item(new_item: ItemInputDTO, item_dao: ItemDAO = Depends()) -> ItemModel:
    """Create an item in the database."""
    return await item_dao.create_item(name=new_item.name, description=new_item.description)
