import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient
from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Database
from app.features.items import service
from app.features.items.models import Item
from app.features.items.seed import seed
from tests.factories.items import MakeItem
from tests.harness.queries import Queries


async def test_created_item_is_returned_and_stored(
    client: AsyncClient, session: AsyncSession, unique_resource_name: str
) -> None:
    before = datetime.now(UTC)

    response = await client.post("/items", json={"name": unique_resource_name})

    assert response.status_code == 201
    body = response.json()
    assert response.headers["location"] == f"/items/{body['id']}"
    item = await session.get_one(Item, UUID(body["id"]))
    assert (item.name, item.description) == (unique_resource_name, None)
    assert before <= item.created_at <= item.updated_at <= datetime.now(UTC)


async def test_taken_name_is_a_conflict_and_keeps_earlier_rows(
    client: AsyncClient, session: AsyncSession, make_item: MakeItem
) -> None:
    item = await make_item()

    response = await client.post("/items", json={"name": item.name})

    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "An item with this name exists already."
    assert await session.scalar(select(func.count()).where(Item.name == item.name)) == 1


async def test_item_is_read_by_its_id(client: AsyncClient, make_item: MakeItem) -> None:
    item = await make_item(description="a lamp")

    response = await client.get(f"/items/{item.id}")

    assert response.status_code == 200
    assert response.json() == {
        "id": str(item.id),
        "name": item.name,
        "description": "a lamp",
        "created_at": item.created_at.isoformat().replace("+00:00", "Z"),
        "updated_at": item.updated_at.isoformat().replace("+00:00", "Z"),
    }


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_unknown_item_is_not_found(client: AsyncClient, method: str) -> None:
    body = {"name": "lamp"} if method == "PATCH" else None

    response = await client.request(method, f"/items/{uuid4()}", json=body)

    assert response.status_code == 404
    assert response.json()["detail"] == "There is no item with this id."


async def test_update_changes_only_what_is_sent(client: AsyncClient, make_item: MakeItem) -> None:
    item = await make_item(description="a lamp")
    created_at = item.created_at.isoformat().replace("+00:00", "Z")

    response = await client.patch(f"/items/{item.id}", json={"name": f"{item.name} 2"})

    assert response.status_code == 200
    body = response.json()
    assert (body["name"], body["description"]) == (f"{item.name} 2", "a lamp")
    assert body["created_at"] == created_at < body["updated_at"]


async def test_update_to_a_taken_name_is_a_conflict(
    client: AsyncClient, session: AsyncSession, make_item: MakeItem
) -> None:
    first, second = await make_item(), await make_item()
    kept = second.name

    response = await client.patch(f"/items/{second.id}", json={"name": first.name})

    assert response.status_code == 409
    await session.refresh(second)
    assert second.name == kept


async def test_deleted_item_is_gone(
    client: AsyncClient, session: AsyncSession, make_item: MakeItem
) -> None:
    item = await make_item()

    response = await client.delete(f"/items/{item.id}")

    assert response.status_code == 204
    assert await session.scalar(select(Item.id).where(Item.id == item.id)) is None


async def test_pages_are_newest_first_and_complete(
    client: AsyncClient, make_item: MakeItem
) -> None:
    made = [str((await make_item()).id) for _ in range(5)]

    first = (await client.get("/items", params={"limit": 2})).json()
    # A row that is added meanwhile shifts nothing.
    await make_item()
    second = (
        await client.get("/items", params={"limit": 2, "cursor": first["next_cursor"]})
    ).json()
    third = (
        await client.get("/items", params={"limit": 2, "cursor": second["next_cursor"]})
    ).json()

    pages = [[item["id"] for item in page["items"]] for page in (first, second, third)]
    newest_first = made[::-1]
    assert pages == [newest_first[:2], newest_first[2:4], newest_first[4:]]
    assert third["next_cursor"] is None


async def test_an_empty_list_is_a_page(client: AsyncClient) -> None:
    response = await client.get("/items")

    assert response.json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "9" * 30])
async def test_a_limit_out_of_range_is_invalid(client: AsyncClient, limit: str) -> None:
    response = await client.get("/items", params={"limit": limit})

    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["query", "limit"]


async def test_a_made_up_cursor_is_invalid(client: AsyncClient) -> None:
    response = await client.get("/items", params={"cursor": "made-up"})

    assert response.status_code == 422
    assert "cursor" in response.json()["detail"]


async def test_a_page_costs_one_query_however_long_it_is(
    client: AsyncClient, make_item: MakeItem, queries: Queries
) -> None:
    for _ in range(3):
        await make_item()

    with queries.expect(1):
        response = await client.get("/items", params={"limit": 3})

    assert len(response.json()["items"]) == 3


async def test_seeding_twice_is_seeding_once(session: AsyncSession) -> None:
    await seed(session)
    await seed(session)

    assert await session.scalar(select(func.count()).select_from(Item)) == 3


WAITING_FOR_ME = text(
    "SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
)


@pytest.mark.committed
async def test_an_item_that_somebody_removes_meanwhile_is_not_found(
    client: AsyncClient, database: Database, make_item: MakeItem
) -> None:
    for method, body in (("PATCH", {"description": "new"}), ("DELETE", None)):
        item = await make_item()

        async with database.transaction() as other, asyncio.timeout(5):
            await other.execute(delete(Item).where(Item.id == item.id))
            request = asyncio.create_task(client.request(method, f"/items/{item.id}", json=body))
            while not await other.scalar(WAITING_FOR_ME):  # noqa: ASYNC110 - it sets no event
                await asyncio.sleep(0)
        response = await request

        assert response.status_code == 404


async def test_who_locks_an_item_sees_what_became_of_it(
    database: Database, make_item: MakeItem
) -> None:
    item = await make_item()

    async with database.transaction() as session:
        seen = await service.get(session, item.id)
        await session.execute(text("UPDATE items SET description = 'changed meanwhile'"))
        await service.get(session, item.id, lock=True)

    assert seen.description == "changed meanwhile"
