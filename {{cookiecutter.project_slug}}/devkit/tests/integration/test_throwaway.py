"""``@pytest.mark.committed``: a database for one test alone."""

import pytest

from devkit.fixtures.sample_app import add, count
from devkit.testing.committed import Committed


@pytest.mark.committed
@pytest.mark.parametrize("run", ["first", "second"])
@pytest.mark.usefixtures("committed_sample_table")
async def test_each_test_has_a_database_of_its_own(database: Committed, run: str) -> None:
    async with database.transaction() as session:
        await add(session, run)

    async with database.session() as session:
        assert await count(session) == 1
