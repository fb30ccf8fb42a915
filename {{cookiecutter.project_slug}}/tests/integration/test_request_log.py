import logging
from typing import Any

import pytest
from httpx import AsyncClient


async def test_a_request_id_is_in_the_response_and_in_the_log(
    client: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        response = await client.get("/livez", headers={"X-Request-ID": "mine-1"})

    assert response.headers["x-request-id"] == "mine-1"
    ours = [record for record in caplog.records if record.name == "app.core.request_log"]
    lines: list[dict[str, Any]] = [vars(record)["msg"] for record in ours]
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
