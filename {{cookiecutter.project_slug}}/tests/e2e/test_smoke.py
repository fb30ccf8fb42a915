"""Also run against a deployed service: ``make smoke BASE_URL=https://...``."""

import pytest
from httpx import AsyncClient


@pytest.mark.smoke
async def test_health_returns_200(live_client: AsyncClient) -> None:
    response = await live_client.get("/livez")

    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


@pytest.mark.smoke
async def test_404_returns_structured_error(live_client: AsyncClient) -> None:
    response = await live_client.get("/no-such-page")

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "request_id": response.headers["x-request-id"],
    }
