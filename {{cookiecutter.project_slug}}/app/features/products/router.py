"""``/products``: the worked example. Copy this folder to start a feature of your own."""

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.core.db import ReadSession, Session
from app.core.http import problems
from app.core.pagination import Page, PageQuery
from app.features.products import service
from app.features.products.schemas import ProductCreate, ProductRead, ProductUpdate

router = APIRouter(prefix="/products", tags=["products"])

MISSING = problems(HTTPStatus.NOT_FOUND)
TAKEN = problems(HTTPStatus.CONFLICT)


@router.post("", status_code=HTTPStatus.CREATED, responses=TAKEN)
async def create_product(
    new: ProductCreate, session: Session, request: Request, response: Response
) -> ProductRead:
    """Add a product; a name that is taken is a conflict."""
    product = await service.create(session, new)
    response.headers["Location"] = f"{request.url.path}/{product.id}"
    return ProductRead.model_validate(product)


@router.get("")
async def list_products(session: ReadSession, page: PageQuery) -> Page[ProductRead]:
    """List products, newest first; send ``next_cursor`` back as ``cursor`` for the next page."""
    return Page[ProductRead].model_validate(await service.page(session, page))


@router.get("/{product_id}", responses=MISSING)
async def read_product(product_id: UUID, session: ReadSession) -> ProductRead:
    """Return one product."""
    return ProductRead.model_validate(await service.get(session, product_id))


@router.patch("/{product_id}", responses=MISSING | TAKEN)
async def update_product(product_id: UUID, change: ProductUpdate, session: Session) -> ProductRead:
    """Change the fields that are sent."""
    return ProductRead.model_validate(await service.update(session, product_id, change))


@router.delete("/{product_id}", status_code=HTTPStatus.NO_CONTENT, responses=MISSING)
async def delete_product(product_id: UUID, session: Session) -> None:
    """Remove a product."""
    await service.delete(session, product_id)
