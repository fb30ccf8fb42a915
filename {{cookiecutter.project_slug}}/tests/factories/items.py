"""Items for tests."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.features.items.models import Item

MakeItem = Callable[..., Awaitable[Item]]


@pytest.fixture
def make_item(session: AsyncSession) -> MakeItem:
    """Makes an item that the application sees; fields that a test does not give are unique."""

    async def make(**fields: Any) -> Item:
        item = Item(**{"name": f"item {uuid4().hex}"} | fields)
        session.add(item)
        await session.commit()
        return item

    return make
