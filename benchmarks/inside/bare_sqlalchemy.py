"""L2, what most would write: FastAPI and SQLAlchemy's ORM with the defaults of both."""

import os
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException
from schemas import ItemCreate, ItemRead
from sqlalchemy import DateTime, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012 - as it is declared


class Item(Base):
    __tablename__ = "items"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    name: Mapped[str]
    description: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


engine = create_async_engine(os.environ["DATABASE_URL"])
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


async def get_session() -> AsyncGenerator[AsyncSession]:
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


@app.get("/livez")
async def live() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/items", status_code=201, response_model=ItemRead)
async def create_item(new: ItemCreate, session: Session) -> Item:
    item = Item(**new.model_dump())
    session.add(item)
    await session.commit()
    return item


@app.get("/items", response_model=list[ItemRead])
async def list_items(session: Session, limit: int = 50) -> list[Item]:
    query = select(Item).order_by(Item.created_at.desc(), Item.id.desc()).limit(limit)
    return list(await session.scalars(query))


@app.get("/items/{item_id}", response_model=ItemRead)
async def read_item(item_id: UUID, session: Session) -> Item:
    item = await session.get(Item, item_id)
    if item is None:
        raise HTTPException(404)
    return item
