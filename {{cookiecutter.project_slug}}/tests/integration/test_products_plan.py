"""How PostgreSQL finds a page of products."""

import re

from httpx import AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.factories.products import MakeProduct
from tests.harness.queries import Queries


async def test_a_page_is_one_range_of_the_index(
    client: AsyncClient, session: AsyncSession, make_product: MakeProduct, queries: Queries
) -> None:
    await make_product()
    await make_product()
    first = (await client.get("/products", params={"limit": 1})).json()
    await client.get("/products", params={"limit": 1, "cursor": first["next_cursor"]})
    values = ["'2026-01-31'", f"'{first['items'][0]['id']}'", "2"]
    query = re.sub(r"\W(\d)\b", lambda place: values[int(place[1]) - 1], queries.statements[-1])
    # For two rows, PostgreSQL would rather read them all.
    for other_way in ("seqscan", "bitmapscan", "sort"):
        await session.execute(text(f"SET LOCAL enable_{other_way} = off"))

    plan = "\n".join(await session.scalars(text(f"EXPLAIN {query}")))

    assert "Index Scan Backward using ix_products_created_at_id" in plan
    assert "Index Cond: (ROW(created_at, id) <" in plan
    assert "Sort" not in plan
