"""Orders for tests."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.features.orders.models import Order, OrderLine
from app.features.products.models import Product
from tests.factories.products import MakeProduct

MakeOrder = Callable[..., Awaitable[Order]]


@pytest.fixture
def make_order(session: AsyncSession, make_product: MakeProduct) -> MakeOrder:
    """Makes an order that the application sees: of one new product, unless ``products`` are given."""

    async def make(*products: Product, **fields: Any) -> Order:
        lines = [
            OrderLine(product_id=product.id, quantity=1, price=100)
            for product in products or [await make_product()]
        ]
        customer = f"customer {uuid4().hex}"
        order = Order(**{"customer": customer, "shipping": 0, "lines": lines} | fields)
        session.add(order)
        await session.commit()
        return order

    return make
