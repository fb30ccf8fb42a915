"""What a test knows of its database, whichever way it is kept apart from other tests."""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import Database

OF_TESTS: dict[str, Any] = {
    "expire_on_commit": False,
    # A row that the application changed is read anew, not taken from the identity map.
    "execution_options": {"populate_existing": True},
}
"""Arguments for the sessions of tests."""


class Isolated(Database, ABC):
    """The application's database, and a session beside it for the test."""

    @abstractmethod
    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Give a session that the application never sees."""
