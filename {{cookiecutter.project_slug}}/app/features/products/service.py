"""What can be done with products. Functions take a session; the caller's transaction commits."""

from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import NotFoundError, conflict_on
from app.core.pagination import Page, PageParams, paginate
from app.features.products.models import NAME_IS_UNIQUE, Product
from app.features.products.schemas import ProductCreate, ProductSort, ProductUpdate

NAME_IS_TAKEN = "A product with this name exists already."

ORDERS = {
    ProductSort.NEWEST: [Product.created_at.desc()],
    ProductSort.NAME: [Product.name],
    ProductSort.CHEAPEST: [Product.price],
    ProductSort.MOST_EXPENSIVE: [Product.price.desc()],
}


async def create(session: AsyncSession, new: ProductCreate) -> Product:
    """Add a product; raise ``ConflictError`` if the name is taken."""
    product = Product(**new.model_dump())
    session.add(product)
    with conflict_on(NAME_IS_UNIQUE, NAME_IS_TAKEN):
        await session.flush()
    return product


async def get(session: AsyncSession, product_id: UUID, *, lock: bool = False) -> Product:
    """Return the product, or raise ``NotFoundError``; other requests wait to change a locked one."""
    product = await session.get(
        Product, product_id, with_for_update=lock or None, populate_existing=lock
    )
    if product is None:
        raise NotFoundError("There is no product with this id.")
    return product


async def list_(
    session: AsyncSession,
    page: PageParams,
    *,
    q: str | None = None,
    min_price: int | None = None,
    sort: ProductSort = ProductSort.NEWEST,
) -> Page[Product]:
    """Return one page of the products that contain ``q`` and cost at least ``min_price``."""
    products = select(Product)
    if q:
        products = products.where(
            or_(
                Product.name.icontains(q, autoescape=True),
                Product.description.icontains(q, autoescape=True),
            )
        )
    if min_price is not None:
        products = products.where(Product.price >= min_price)
    return await paginate(session, products, page, order_by=ORDERS[sort])


async def update(session: AsyncSession, product_id: UUID, change: ProductUpdate) -> Product:
    """Change the fields that were sent; raise ``ConflictError`` if the name is taken."""
    product = await get(session, product_id, lock=True)
    for field, value in change.model_dump(exclude_unset=True).items():
        setattr(product, field, value)
    with conflict_on(NAME_IS_UNIQUE, NAME_IS_TAKEN):
        await session.flush()
    return product


async def delete(session: AsyncSession, product_id: UUID) -> None:
    """Remove the product, or raise ``NotFoundError``."""
    await session.delete(await get(session, product_id, lock=True))
