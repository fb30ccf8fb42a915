"""Settings that one test changes, and the rows that it makes."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.features.products.models import Product
from tests.fixtures.settings import Override


async def test_an_overridden_application_has_the_tests_database(
    override_settings: Override, session: AsyncSession
) -> None:
    async with override_settings(docs=False) as client:
        await client.post("/products", json={"name": "lamp"})

    assert await session.scalar(select(func.count()).select_from(Product)) == 1
