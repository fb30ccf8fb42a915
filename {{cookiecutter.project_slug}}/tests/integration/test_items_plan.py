"""How PostgreSQL finds a page of items."""

import re

from httpx import AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.factories.items import MakeItem
from tests.harness.queries import Queries


async def test_a_page_is_one_range_of_the_index(
    client: AsyncClient, session: AsyncSession, make_item: MakeItem, queries: Queries
) -> None:
    await make_item()
    await make_item()
    first = (await client.get("/items", params={"limit": 1})).json()
    await client.get("/items", params={"limit": 1, "cursor": first["next_cursor"]})
    values = ["'2026-01-31'", f"'{first['items'][0]['id']}'", "2"]
    query = re.sub(r"\W(\d)\b", lambda place: values[int(place[1]) - 1], queries.statements[-1])
    # For two rows, PostgreSQL would rather read them all.
    for other_way in ("seqscan", "bitmapscan", "sort"):
        await session.execute(text(f"SET LOCAL enable_{other_way} = off"))

    plan = "\n".join(await session.scalars(text(f"EXPLAIN {query}")))

    assert "Index Scan Backward using ix_items_created_at_id" in plan
    assert "Index Cond: (ROW(created_at, id) <" in plan
    assert "Sort" not in plan
