"""What can be done with products. Functions take a session; the caller's transaction commits."""

from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import NotFoundError, conflict_on
from app.core.pagination import Newest, Slice, Window
from app.features.products.models import NAME_IS_UNIQUE, Product
from app.features.products.schemas import ProductCreate, ProductUpdate

NAME_IS_TAKEN = "A product with this name exists already."

# Queries are made once: SQLAlchemy takes longer to make one out than to run it.
BY_ID = select(Product).where(Product.id == bindparam("id"))
LOCKED = BY_ID.with_for_update().execution_options(populate_existing=True)
NEWEST = Newest(select(Product), Product)


async def create(session: AsyncSession, new: ProductCreate) -> Product:
    """Add a product; a name that is taken is a conflict."""
    product = Product(**new.model_dump())
    session.add(product)
    with conflict_on(NAME_IS_UNIQUE, NAME_IS_TAKEN):
        await session.flush()
    return product


async def get(session: AsyncSession, product_id: UUID, *, lock: bool = False) -> Product:
    """Return the product, or raise ``NotFoundError``; locked, nobody else changes or removes it."""
    product = await session.scalar(LOCKED if lock else BY_ID, {"id": product_id})
    if product is None:
        raise NotFoundError("There is no product with this id.")
    return product


async def page(session: AsyncSession, window: Window) -> Slice[Product]:
    """Return one page of the products, newest first."""
    return await NEWEST.page(session, window)


async def update(session: AsyncSession, product_id: UUID, change: ProductUpdate) -> Product:
    """Change the fields that were sent; a name that is taken is a conflict."""
    product = await get(session, product_id, lock=True)
    for field, value in change.model_dump(exclude_unset=True).items():
        setattr(product, field, value)
    with conflict_on(NAME_IS_UNIQUE, NAME_IS_TAKEN):
        await session.flush()
    return product


async def delete(session: AsyncSession, product_id: UUID) -> None:
    """Remove the product, or raise ``NotFoundError``."""
    await session.delete(await get(session, product_id, lock=True))
