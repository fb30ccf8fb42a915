"""``/orders``: a feature with relations, a status, row locks, another service and a background task."""

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Request, Response

from app.core.db import CurrentDatabase, ReadSession, Session
from app.core.http import problems
from app.core.pagination import Page, PageParams
from app.features.orders import carrier, service
from app.features.orders.carrier import CurrentCarrier
from app.features.orders.models import OrderStatus
from app.features.orders.schemas import OrderCreate, OrderRead, OrderUpdate

router = APIRouter(prefix="/orders", tags=["orders"], lifespan=carrier.lifespan)

MISSING = problems(HTTPStatus.NOT_FOUND)
CONFLICT = problems(HTTPStatus.CONFLICT)
UNAVAILABLE = problems(HTTPStatus.SERVICE_UNAVAILABLE)


@router.post("", status_code=HTTPStatus.CREATED, responses=CONFLICT | UNAVAILABLE)
async def create_order(
    new: OrderCreate,
    session: Session,
    current_carrier: CurrentCarrier,
    request: Request,
    response: Response,
) -> OrderRead:
    """Add an order; its products are taken from stock."""
    # Before the first query: no connection is held and no row is locked while another service works.
    shipping = await current_carrier.quote(sum(line.quantity for line in new.lines))
    order = await service.create(session, new, shipping=shipping)
    response.headers["Location"] = f"{request.url.path}/{order.id}"
    return OrderRead.model_validate(order)


@router.get("")
async def list_orders(
    session: ReadSession, page: PageParams, status: OrderStatus | None = None
) -> Page[OrderRead]:
    """List orders, newest first; send ``next_cursor`` back as ``cursor`` for the next page."""
    found = await service.list_(session, page, status=status)
    return Page[OrderRead].model_validate(found)


@router.get("/{order_id}", responses=MISSING)
async def read_order(order_id: UUID, session: ReadSession) -> OrderRead:
    """Return one order with its lines."""
    return OrderRead.model_validate(await service.get(session, order_id))


@router.patch("/{order_id}", responses=MISSING | CONFLICT)
async def update_order(
    order_id: UUID,
    change: OrderUpdate,
    session: Session,
    *,
    database: CurrentDatabase,
    current_carrier: CurrentCarrier,
    background: BackgroundTasks,
) -> OrderRead:
    """Change the status: pending, paid, shipped; or cancelled, which puts the products back."""
    order = await service.change_status(session, order_id, change.status)
    if order.status is OrderStatus.SHIPPED:
        background.add_task(service.book_shipment, database, current_carrier, order.id)
    return OrderRead.model_validate(order)
