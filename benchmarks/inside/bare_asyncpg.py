"""L1, the limit: FastAPI and asyncpg, and nothing between them."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from fastapi import FastAPI, HTTPException, Request
from schemas import ProductCreate, ProductRead

COLUMNS = "id, name, description, created_at, updated_at"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    async with asyncpg.create_pool(os.environ["DSN"]) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/livez")
async def live() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/products", status_code=201)
async def create_product(new: ProductCreate, request: Request) -> ProductRead:
    row = await request.app.state.pool.fetchrow(
        f"INSERT INTO products (name, description) VALUES ($1, $2) RETURNING {COLUMNS}",
        new.name,
        new.description,
    )
    return ProductRead(**row)


@app.get("/products")
async def list_products(request: Request, limit: int = 50) -> list[ProductRead]:
    rows = await request.app.state.pool.fetch(
        f"SELECT {COLUMNS} FROM products ORDER BY created_at DESC, id DESC LIMIT $1", limit
    )
    return [ProductRead(**row) for row in rows]


@app.get("/products/{product_id}")
async def read_product(product_id: UUID, request: Request) -> ProductRead:
    row = await request.app.state.pool.fetchrow(
        f"SELECT {COLUMNS} FROM products WHERE id = $1", product_id
    )
    if row is None:
        raise HTTPException(404)
    return ProductRead(**row)
