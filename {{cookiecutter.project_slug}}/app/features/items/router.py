"""``/items``: the worked example. Copy this folder to start a feature of your own."""

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.core.database import ReadSession, Session
from app.core.pagination import Page, PageQuery
from app.core.problems import problems
from app.features.items import service
from app.features.items.schemas import ItemCreate, ItemRead, ItemUpdate

router = APIRouter(prefix="/items", tags=["items"])

MISSING = problems(HTTPStatus.NOT_FOUND)
TAKEN = problems(HTTPStatus.CONFLICT)


@router.post("", status_code=HTTPStatus.CREATED, responses=TAKEN)
async def create_item(
    new: ItemCreate, session: Session, request: Request, response: Response
) -> ItemRead:
    """Add an item; a name that is taken is a conflict."""
    item = await service.create(session, new)
    response.headers["Location"] = f"{request.url.path}/{item.id}"
    return ItemRead.model_validate(item)


@router.get("")
async def list_items(session: ReadSession, page: PageQuery) -> Page[ItemRead]:
    """List items, newest first; send ``next_cursor`` back as ``cursor`` for the next page."""
    return Page[ItemRead].model_validate(await service.page(session, page))


@router.get("/{item_id}", responses=MISSING)
async def read_item(item_id: UUID, session: ReadSession) -> ItemRead:
    """Return one item."""
    return ItemRead.model_validate(await service.get(session, item_id))


@router.patch("/{item_id}", responses=MISSING | TAKEN)
async def update_item(item_id: UUID, change: ItemUpdate, session: Session) -> ItemRead:
    """Change the fields that are sent."""
    return ItemRead.model_validate(await service.update(session, item_id, change))


@router.delete("/{item_id}", status_code=HTTPStatus.NO_CONTENT, responses=MISSING)
async def delete_item(item_id: UUID, session: Session) -> None:
    """Remove an item."""
    await service.delete(session, item_id)
