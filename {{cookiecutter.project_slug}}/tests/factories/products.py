"""Products for tests."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.features.products.models import Product

MakeProduct = Callable[..., Awaitable[Product]]


@pytest.fixture
def make_product(session: AsyncSession) -> MakeProduct:
    """Makes a product that the application sees; fields that a test does not give are unique."""

    async def make(**fields: Any) -> Product:
        product = Product(**{"name": f"product {uuid4().hex}"} | fields)
        session.add(product)
        await session.commit()
        return product

    return make
