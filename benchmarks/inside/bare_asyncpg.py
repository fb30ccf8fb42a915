"""L1, the limit: FastAPI and asyncpg, and nothing between them."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from fastapi import FastAPI, HTTPException, Request
from schemas import ItemCreate, ItemRead

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


@app.post("/items", status_code=201)
async def create_item(new: ItemCreate, request: Request) -> ItemRead:
    row = await request.app.state.pool.fetchrow(
        f"INSERT INTO items (name, description) VALUES ($1, $2) RETURNING {COLUMNS}",
        new.name,
        new.description,
    )
    return ItemRead(**row)


@app.get("/items")
async def list_items(request: Request, limit: int = 50) -> list[ItemRead]:
    rows = await request.app.state.pool.fetch(
        f"SELECT {COLUMNS} FROM items ORDER BY created_at DESC, id DESC LIMIT $1", limit
    )
    return [ItemRead(**row) for row in rows]


@app.get("/items/{item_id}")
async def read_item(item_id: UUID, request: Request) -> ItemRead:
    row = await request.app.state.pool.fetchrow(
        f"SELECT {COLUMNS} FROM items WHERE id = $1", item_id
    )
    if row is None:
        raise HTTPException(404)
    return ItemRead(**row)
