"""Reading sessions can have a server of their own."""

from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.database import open_database
from tests.harness.databases import Databases, settings_for

NAME = select(func.current_database())


async def test_who_only_reads_asks_the_replica(databases: Databases, engine: AsyncEngine) -> None:
    async with databases.clone() as replica:
        url = SecretStr(replica.render_as_string(hide_password=False))
        settings = settings_for(engine.url).model_copy(update={"database_read_url": url})
        async with open_database(settings) as database:
            async with database.transaction() as session:
                written = await session.scalar(NAME)
            async with database.read() as session:
                read = await session.scalar(NAME)

    assert (written, read) == (engine.url.database, replica.database)
