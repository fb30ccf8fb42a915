"""How to test what lies outside: each technique with the smallest test that uses it."""

from datetime import UTC, datetime
from http import HTTPStatus

import pytest
import structlog
from fastapi import FastAPI
from httpx import AsyncClient
from respx import MockRouter
from respx.models import AllMockedAssertionError
from structlog.testing import capture_logs
from time_machine import TimeMachineFixture

from app.main import create_app
from app.settings import Settings
from tests.harness.clients import client_of

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


async def test_another_service_is_played_by_respx(respx_mock: MockRouter) -> None:
    rates = respx_mock.get("https://rates.example/eur").respond(json={"usd": 1.1})

    async with AsyncClient() as client:
        response = await client.get("https://rates.example/eur")

    assert response.json() == {"usd": 1.1}
    assert rates.call_count == 1


@pytest.mark.usefixtures("respx_mock")
async def test_a_service_that_was_not_arranged_cannot_be_reached() -> None:
    async with AsyncClient() as client:
        with pytest.raises(AllMockedAssertionError):
            await client.get("https://rates.example/eur")


def test_time_stands_still(time_machine: TimeMachineFixture) -> None:
    time_machine.move_to(NOON, tick=False)

    assert datetime.now(UTC) == NOON


def test_the_environment_is_set_for_one_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "ERROR")

    assert Settings(_env_file=None).log_level == "ERROR"


async def test_an_application_has_the_settings_that_it_is_given() -> None:
    app: FastAPI = create_app(Settings(_env_file=None, port=8001))

    async with client_of(app) as client:
        response = await client.get("/livez")

    assert response.status_code == HTTPStatus.OK
    assert app.state.settings.port == 8001


def test_log_lines_are_captured_with_their_values() -> None:
    with capture_logs() as lines:
        structlog.get_logger().info("sold", product="lamp")

    assert lines == [{"event": "sold", "product": "lamp", "log_level": "info"}]
