"""A ``Database`` that commits for real, in a database that is dropped after the test."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Self

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.db.engine import open_engine
from tests.harness.databases import Databases, settings_for
from tests.harness.isolated import Isolated, TestSession
from tests.harness.leaks import check_no_connection_left


class Committed(Isolated):
    """Production's own behaviour: a connection for each session, visible to others on commit."""

    engine: AsyncEngine

    @classmethod
    @asynccontextmanager
    async def on(cls, databases: Databases) -> AsyncGenerator[Self]:
        """Own a clone of the template for as long as the block runs."""
        async with databases.clone() as url, open_engine(settings_for(url)) as engine:
            database = cls.over(engine)
            database.engine = engine
            yield database
            await database.close_sessions()
            check_no_connection_left(engine)

    def _new_session(self) -> TestSession:
        return TestSession(bind=self.engine)
