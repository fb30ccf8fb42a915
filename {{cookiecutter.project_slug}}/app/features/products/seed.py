"""Products to look at while developing: ``make seed``."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.features.products import service
from app.features.products.models import Product
from app.features.products.schemas import ProductCreate


async def seed(session: AsyncSession) -> None:
    """Add a few products, unless there are some."""
    if await session.scalar(select(Product.id).limit(1)):
        return
    for number in range(1, 4):
        await service.create(session, ProductCreate(name=f"product {number}"))
