"""Rows that a test arranges in the database of the live server."""

from httpx import AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession

from app.features.products.models import Product


async def test_the_server_sees_what_server_session_commits(
    live_client: AsyncClient, server_session: AsyncSession, unique_resource_name: str
) -> None:
    product = Product(name=unique_resource_name)
    server_session.add(product)
    await server_session.flush()

    before = await live_client.get(f"/products/{product.id}")
    await server_session.commit()
    after = await live_client.get(f"/products/{product.id}")

    assert (before.status_code, after.status_code) == (404, 200)
