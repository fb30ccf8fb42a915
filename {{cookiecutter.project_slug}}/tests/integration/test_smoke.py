import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


@pytest.mark.smoke
async def test_db_session_connects(session: AsyncSession) -> None:
    assert await session.scalar(text("SELECT current_database()"))
