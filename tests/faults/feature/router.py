"""Routes as an ordinary developer writes them: each stores rows in another way."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import JSONResponse
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from app.core.db import CurrentDatabase, ReadSession, Session
from app.features.products.models import Product

router = APIRouter(prefix="/ordinary")


WHO = select(Product.name).limit(1)


async def current_user(session: ReadSession) -> str | None:
    """Ask the database who is asking, as an authentication does."""
    found: str | None = await session.scalar(WHO)
    return found


CurrentUser = Annotated[str | None, Depends(current_user)]


@router.post("/plain/{name}", status_code=HTTPStatus.CREATED)
async def plain(name: str, session: Session) -> None:
    await session.scalar(WHO)
    session.add(Product(name=name))


@router.post("/authenticated/{name}", status_code=HTTPStatus.CREATED)
async def authenticated(name: str, user: CurrentUser, session: Session) -> None:
    del user
    session.add(Product(name=name))


@router.get("/seen")
async def seen(user: CurrentUser, reads: ReadSession) -> str | None:
    del user
    found: str | None = await reads.scalar(WHO)
    return found


@router.post("/both/{name}", status_code=HTTPStatus.CREATED)
async def both_sessions(name: str, session: Session, reads: ReadSession) -> None:
    session.add(Product(name=name))
    await session.flush()
    if await reads.scalar(select(Product.id).where(Product.name == name)):
        raise HTTPException(HTTPStatus.CONFLICT)


@router.post("/nested/{name}", status_code=HTTPStatus.CREATED)
async def nested(name: str, session: Session, database: CurrentDatabase) -> None:
    session.add(Product(name=name))
    await session.flush()
    async with database.transaction() as own:
        own.add(Product(name=f"{name} again"))


@router.post("/twice/{name}", status_code=HTTPStatus.CREATED)
async def twice(name: str, database: CurrentDatabase) -> None:
    async with database.transaction() as session:
        session.add(Product(name=name))
    async with database.transaction() as session:
        session.add(Product(name=f"{name} again"))


@router.post("/copied/{name}", status_code=HTTPStatus.CREATED)
async def copied(name: str, session: Session) -> None:
    driver: Any = (await (await session.connection()).get_raw_connection()).driver_connection
    await driver.copy_records_to_table("products", records=[(name,)], columns=["name"])


@router.post("/serializable/{name}", status_code=HTTPStatus.CREATED)
async def serializable(name: str, session: Session) -> None:
    await session.connection(execution_options={"isolation_level": "SERIALIZABLE"})
    session.add(Product(name=name))
    await session.flush()
    if await session.scalar(text("SHOW transaction_isolation")) != "serializable":
        raise RuntimeError("the isolation level got lost")


@router.post("/caught/{name}", status_code=HTTPStatus.CREATED)
async def caught(name: str, session: Session) -> None:
    session.add(Product(name=name))
    await session.flush()
    try:
        async with session.begin_nested():
            await session.execute(insert(Product).values(name=name))
    except IntegrityError:
        pass


@router.post("/returned/{name}")
async def returned(name: str, session: Session) -> JSONResponse:
    session.add(Product(name=name))
    await session.flush()
    return JSONResponse({"detail": "no, after all"}, HTTPStatus.CONFLICT)
