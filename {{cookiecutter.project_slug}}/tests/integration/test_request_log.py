import pytest
import structlog
from httpx import AsyncClient
from structlog.testing import capture_logs


async def test_a_request_id_is_in_the_response_and_in_the_log(client: AsyncClient) -> None:
    with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        response = await client.get("/livez", headers={"X-Request-ID": "mine-1"})

    assert response.headers["x-request-id"] == "mine-1"
    assert [(line["request_id"], line["path"], line["status"]) for line in lines] == [
        ("mine-1", "/livez", 200)
    ]


@pytest.mark.parametrize("given", ["a b", "a\tb", "x" * 65, "ä", '{"a":1}'])
async def test_a_request_id_that_could_forge_a_log_line_is_replaced(
    client: AsyncClient, given: str
) -> None:
    response = await client.get("/livez", headers=[(b"X-Request-ID", given.encode())])

    assert response.headers["x-request-id"] != given
    assert response.headers["x-request-id"].isalnum()
