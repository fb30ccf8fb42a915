"""What can be done with orders. Functions take a session; the caller's transaction commits."""

from collections.abc import Mapping
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.core.db import Database
from app.core.errors import ConflictError, InvalidError, NotFoundError, UnavailableError
from app.core.pagination import Page, PageParams, paginate
from app.features.orders.carrier import Carrier
from app.features.orders.models import Order, OrderLine, OrderStatus
from app.features.orders.schemas import OrderCreate
from app.features.products.models import Product

logger = structlog.get_logger(__name__)

FOLLOWING: Mapping[OrderStatus, set[OrderStatus]] = {
    OrderStatus.PENDING: {OrderStatus.PAID, OrderStatus.CANCELLED},
    OrderStatus.PAID: {OrderStatus.SHIPPED, OrderStatus.CANCELLED},
    OrderStatus.SHIPPED: set(),
    OrderStatus.CANCELLED: set(),
}
"""The statuses that an order may have after each."""


async def create(session: AsyncSession, new: OrderCreate, *, shipping: int) -> Order:
    """Add an order and take its products from stock; raise ``ConflictError`` if there are too few."""
    wanted = {line.product_id: line.quantity for line in new.lines}
    products = await _lock_products(session, wanted)
    if missing := wanted.keys() - products.keys():
        raise InvalidError(f"There is no product with the id {min(missing)}.")
    lines = []
    for product_id, quantity in wanted.items():
        product = products[product_id]
        if product.price is None:
            raise ConflictError(f"{product.name} has no price.")
        if product.stock < quantity:
            raise ConflictError(f"{product.name}: {product.stock} in stock.")
        product.stock -= quantity
        lines.append(OrderLine(product_id=product_id, quantity=quantity, price=product.price))
    order = Order(customer=new.customer, shipping=shipping, lines=lines)
    session.add(order)
    await session.flush()
    return order


async def get(session: AsyncSession, order_id: UUID, *, lock: bool = False) -> Order:
    """Return the order with its lines, or raise ``NotFoundError``."""
    query = select(Order).where(Order.id == order_id).options(selectinload(Order.lines))
    if lock:
        # Only the order: without `of`, a join would lock the rows of other tables, too.
        query = query.with_for_update(of=Order).execution_options(populate_existing=True)
    order = await session.scalar(query)
    if order is None:
        raise NotFoundError("There is no order with this id.")
    return order


async def list_(
    session: AsyncSession, page: PageParams, *, status: OrderStatus | None = None
) -> Page[Order]:
    """Return one page of the orders, newest first, by two queries: orders, and all their lines."""
    orders = select(Order).options(selectinload(Order.lines))
    if status is not None:
        orders = orders.where(Order.status == status)
    return await paginate(session, orders, page, order_by=[Order.created_at.desc()])


async def change_status(session: AsyncSession, order_id: UUID, status: OrderStatus) -> Order:
    """Change the status; raise ``ConflictError`` if it may not follow the present one."""
    order = await get(session, order_id, lock=True)
    if status not in FOLLOWING[order.status]:
        raise ConflictError(f"An order that is {order.status} cannot become {status}.")
    order.status = status
    if status is OrderStatus.CANCELLED:
        products = await _lock_products(session, {line.product_id for line in order.lines})
        for line in order.lines:
            products[line.product_id].stock += line.quantity
    await session.flush()
    return order


async def book_shipment(database: Database, carrier: Carrier, order_id: UUID) -> None:
    """Book a shipment and store its tracking number; runs after the response.

    The request's session has ended, so it opens a transaction; none is open while the carrier is asked.
    A process that stops loses the task: where that matters, a queue has to keep it.
    """
    try:
        tracking = await carrier.book(order_id)
    except UnavailableError:
        logger.warning("shipment_not_booked", order_id=str(order_id))
        return
    async with database.transaction() as session:
        order = await get(session, order_id, lock=True)
        order.tracking = tracking


async def _lock_products(
    session: AsyncSession, ids: Mapping[UUID, int] | set[UUID]
) -> dict[UUID, Product]:
    """Lock products until the transaction ends; others wait, and then see what became of the stock.

    In the order of their ids: two orders of the same products would else wait for each other.
    """
    query = (
        select(Product)
        .where(Product.id.in_(ids))
        .order_by(Product.id)
        .with_for_update(of=Product)
        .execution_options(populate_existing=True)
    )
    return {product.id: product for product in await session.scalars(query)}
