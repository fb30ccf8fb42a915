"""The fixtures of end-to-end tests."""

import pytest
from httpx import AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.fixtures.server import runs_deployed


async def test_the_server_sees_what_server_session_commits(
    live_client: AsyncClient, server_session: AsyncSession
) -> None:
    taken = await server_session.scalars(text("DELETE FROM alembic_version RETURNING version_num"))
    rows = [{"revision": revision} for revision in taken]
    before = await live_client.get("/readyz")
    await server_session.commit()
    after = await live_client.get("/readyz")
    await server_session.execute(text("INSERT INTO alembic_version VALUES (:revision)"), rows)
    await server_session.commit()

    assert (before.status_code, after.status_code) == (200, 503)


def test_a_deployed_service_gets_no_test_but_those_of_smoke(request: pytest.FixtureRequest) -> None:
    assert not runs_deployed(request.node)


@pytest.mark.smoke
def test_a_deployed_service_gets_the_tests_of_smoke(request: pytest.FixtureRequest) -> None:
    assert runs_deployed(request.node)
