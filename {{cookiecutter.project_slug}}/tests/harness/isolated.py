"""What a test knows of its database, whichever way it is kept apart from other tests."""

from abc import ABC, abstractmethod
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.core.db.sessions import Sessions


class TestSession(AsyncSession):
    """Reads a row anew each time: its identity map does not hide what the application changed."""

    __test__ = False  # pytest takes it for tests by its name

    def __init__(self, **arguments: Any) -> None:
        fresh = {"populate_existing": True}
        super().__init__(**arguments, expire_on_commit=False, execution_options=fresh)

    async def get(self, *args: Any, **options: Any) -> Any:
        options.setdefault("populate_existing", True)
        return await super().get(*args, **options)

    async def get_one(self, *args: Any, **options: Any) -> Any:
        options.setdefault("populate_existing", True)
        return await super().get_one(*args, **options)


class Isolated(Database, ABC):
    """The application's database, and sessions beside it for the test."""

    def __init__(self, *sessions: Sessions) -> None:
        super().__init__(*sessions)
        self._of_test: list[TestSession] = []

    def session(self) -> TestSession:
        """Give a session that the application never sees; it is closed with the test."""
        session = self._new_session()
        self._of_test.append(session)
        return session

    @abstractmethod
    def _new_session(self) -> TestSession: ...

    async def close_sessions(self) -> None:
        for session in self._of_test:
            await session.close()
