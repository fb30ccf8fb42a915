import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient
from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.features.products import service
from app.features.products.models import Product
from app.features.products.seed import seed
from tests.factories.products import MakeProduct
from tests.harness.queries import Queries


async def test_created_product_is_returned_and_stored(
    client: AsyncClient, session: AsyncSession, unique_resource_name: str
) -> None:
    before = datetime.now(UTC)

    response = await client.post("/products", json={"name": unique_resource_name})

    assert response.status_code == 201
    body = response.json()
    assert response.headers["location"] == f"/products/{body['id']}"
    product = await session.get_one(Product, UUID(body["id"]))
    assert (product.name, product.description) == (unique_resource_name, None)
    assert before <= product.created_at <= product.updated_at <= datetime.now(UTC)


async def test_taken_name_is_a_conflict_and_keeps_earlier_rows(
    client: AsyncClient, session: AsyncSession, make_product: MakeProduct
) -> None:
    product = await make_product()

    response = await client.post("/products", json={"name": product.name})

    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "A product with this name exists already."
    assert await session.scalar(select(func.count()).where(Product.name == product.name)) == 1


async def test_product_is_read_by_its_id(client: AsyncClient, make_product: MakeProduct) -> None:
    product = await make_product(description="a lamp")

    response = await client.get(f"/products/{product.id}")

    assert response.status_code == 200
    assert response.json() == {
        "id": str(product.id),
        "name": product.name,
        "description": "a lamp",
        "created_at": product.created_at.isoformat().replace("+00:00", "Z"),
        "updated_at": product.updated_at.isoformat().replace("+00:00", "Z"),
    }


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_unknown_product_is_not_found(client: AsyncClient, method: str) -> None:
    body = {"name": "lamp"} if method == "PATCH" else None

    response = await client.request(method, f"/products/{uuid4()}", json=body)

    assert response.status_code == 404
    assert response.json()["detail"] == "There is no product with this id."


async def test_update_changes_only_what_is_sent(
    client: AsyncClient, make_product: MakeProduct
) -> None:
    product = await make_product(description="a lamp")
    created_at = product.created_at.isoformat().replace("+00:00", "Z")

    response = await client.patch(f"/products/{product.id}", json={"name": f"{product.name} 2"})

    assert response.status_code == 200
    body = response.json()
    assert (body["name"], body["description"]) == (f"{product.name} 2", "a lamp")
    assert body["created_at"] == created_at < body["updated_at"]


async def test_update_to_a_taken_name_is_a_conflict(
    client: AsyncClient, session: AsyncSession, make_product: MakeProduct
) -> None:
    first, second = await make_product(), await make_product()
    kept = second.name

    response = await client.patch(f"/products/{second.id}", json={"name": first.name})

    assert response.status_code == 409
    await session.refresh(second)
    assert second.name == kept


async def test_deleted_product_is_gone(
    client: AsyncClient, session: AsyncSession, make_product: MakeProduct
) -> None:
    product = await make_product()

    response = await client.delete(f"/products/{product.id}")

    assert response.status_code == 204
    assert await session.scalar(select(Product.id).where(Product.id == product.id)) is None


async def test_pages_are_newest_first_and_complete(
    client: AsyncClient, make_product: MakeProduct
) -> None:
    made = [str((await make_product()).id) for _ in range(5)]

    first = (await client.get("/products", params={"limit": 2})).json()
    # A row that is added meanwhile shifts nothing.
    await make_product()
    second = (
        await client.get("/products", params={"limit": 2, "cursor": first["next_cursor"]})
    ).json()
    third = (
        await client.get("/products", params={"limit": 2, "cursor": second["next_cursor"]})
    ).json()

    pages = [[product["id"] for product in page["items"]] for page in (first, second, third)]
    newest_first = made[::-1]
    assert pages == [newest_first[:2], newest_first[2:4], newest_first[4:]]
    assert third["next_cursor"] is None


async def test_an_empty_list_is_a_page(client: AsyncClient) -> None:
    response = await client.get("/products")

    assert response.json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "9" * 30])
async def test_a_limit_out_of_range_is_invalid(client: AsyncClient, limit: str) -> None:
    response = await client.get("/products", params={"limit": limit})

    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["query", "limit"]


async def test_a_made_up_cursor_is_invalid(client: AsyncClient) -> None:
    response = await client.get("/products", params={"cursor": "made-up"})

    assert response.status_code == 422
    assert "cursor" in response.json()["detail"]


async def test_a_page_costs_one_query_however_long_it_is(
    client: AsyncClient, make_product: MakeProduct, queries: Queries
) -> None:
    for _ in range(3):
        await make_product()

    with queries.expect(1):
        response = await client.get("/products", params={"limit": 3})

    assert len(response.json()["items"]) == 3


async def test_seeding_twice_is_seeding_once(session: AsyncSession) -> None:
    await seed(session)
    await seed(session)

    assert await session.scalar(select(func.count()).select_from(Product)) == 3


WAITING_FOR_ME = text(
    "SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
)


@pytest.mark.committed
async def test_a_product_that_somebody_removes_meanwhile_is_not_found(
    client: AsyncClient, database: Database, make_product: MakeProduct
) -> None:
    for method, body in (("PATCH", {"description": "new"}), ("DELETE", None)):
        product = await make_product()

        async with database.transaction() as other, asyncio.timeout(5):
            await other.execute(delete(Product).where(Product.id == product.id))
            request = asyncio.create_task(
                client.request(method, f"/products/{product.id}", json=body)
            )
            while not await other.scalar(WAITING_FOR_ME):  # noqa: ASYNC110 - it sets no event
                await asyncio.sleep(0)
        response = await request

        assert response.status_code == 404


async def test_who_locks_a_product_sees_what_became_of_it(
    database: Database, make_product: MakeProduct
) -> None:
    product = await make_product()

    async with database.transaction() as session:
        seen = await service.get(session, product.id)
        await session.execute(text("UPDATE products SET description = 'changed meanwhile'"))
        await service.get(session, product.id, lock=True)

    assert seen.description == "changed meanwhile"
