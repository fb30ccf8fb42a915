"""L2, what most would write: FastAPI and SQLAlchemy's ORM with the defaults of both."""

import os
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException
from schemas import ProductCreate, ProductRead
from sqlalchemy import DateTime, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012 - as it is declared


class Product(Base):
    __tablename__ = "products"

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


@app.post("/products", status_code=201, response_model=ProductRead)
async def create_product(new: ProductCreate, session: Session) -> Product:
    product = Product(**new.model_dump())
    session.add(product)
    await session.commit()
    return product


@app.get("/products", response_model=list[ProductRead])
async def list_products(session: Session, limit: int = 50) -> list[Product]:
    query = select(Product).order_by(Product.created_at.desc(), Product.id.desc()).limit(limit)
    return list(await session.scalars(query))


@app.get("/products/{product_id}", response_model=ProductRead)
async def read_product(product_id: UUID, session: Session) -> Product:
    product = await session.get(Product, product_id)
    if product is None:
        raise HTTPException(404)
    return product
