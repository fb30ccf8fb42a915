"""The carrier as orders meet it: it answers, is slow, fails, or says something else."""

import asyncio
import json
from collections.abc import AsyncGenerator, Generator

import httpx
import pytest
import respx
from httpx import AsyncClient
from structlog.testing import capture_logs

from app.features.orders.models import OrderStatus
from devkit.fixtures.settings import Override
from tests.factories.orders import MakeOrder
from tests.factories.products import MakeProduct

URL = "https://carrier.test/v1"


@pytest.fixture
def carriers() -> Generator[respx.MockRouter]:
    """Plays the carrier; a request that no test has planned fails."""
    with respx.mock(base_url=URL, assert_all_called=False) as router:
        yield router


@pytest.fixture
async def shop(
    monkeypatch: pytest.MonkeyPatch, override_settings: Override
) -> AsyncGenerator[AsyncClient]:
    """A client of an application that has a carrier."""
    monkeypatch.setenv("CARRIER_URL", URL)
    async with override_settings() as client:
        yield client


async def order(shop: AsyncClient, make_product: MakeProduct, quantity: int = 1) -> httpx.Response:
    product = await make_product(price=100, stock=10)
    line = {"product_id": str(product.id), "quantity": quantity}
    return await shop.post("/orders", json={"customer": "Ada", "lines": [line]})


async def test_the_carrier_says_what_shipping_costs(
    shop: AsyncClient, carriers: respx.MockRouter, make_product: MakeProduct
) -> None:
    asked = carriers.post("/quotes").respond(json={"cents": 490})

    response = await order(shop, make_product, quantity=3)

    assert (response.status_code, response.json()["shipping"]) == (201, 490)
    assert json.loads(asked.calls.last.request.content) == {"pieces": 3}


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"price": 1}),
    ],
    ids=["refused", "slow", "500", "no-json", "other-json"],
)
async def test_an_order_is_503_when_the_carrier_fails(
    shop: AsyncClient,
    carriers: respx.MockRouter,
    make_product: MakeProduct,
    failure: httpx.Response | Exception,
) -> None:
    carriers.post("/quotes").mock(side_effect=[failure])

    response = await order(shop, make_product)

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json()["detail"] == "The carrier is not available at the moment."


async def never(_: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def test_an_order_is_503_when_the_carrier_takes_too_long(
    monkeypatch: pytest.MonkeyPatch,
    override_settings: Override,
    carriers: respx.MockRouter,
    make_product: MakeProduct,
) -> None:
    carriers.post("/quotes").mock(side_effect=never)
    monkeypatch.setenv("CARRIER_URL", URL)
    monkeypatch.setenv("CARRIER_TIMEOUT", "0.05")

    async with override_settings() as shop:
        response = await order(shop, make_product)

    assert response.status_code == 503


async def test_a_shipped_order_gets_its_tracking_number_after_the_response(
    shop: AsyncClient, carriers: respx.MockRouter, make_order: MakeOrder
) -> None:
    carriers.post("/shipments").respond(json={"tracking": "T1"})
    paid = await make_order(status=OrderStatus.PAID)

    response = await shop.patch(f"/orders/{paid.id}", json={"status": "shipped"})

    assert response.json()["tracking"] is None
    assert (await shop.get(f"/orders/{paid.id}")).json()["tracking"] == "T1"


async def test_a_shipment_that_is_not_booked_is_in_the_log(
    shop: AsyncClient, carriers: respx.MockRouter, make_order: MakeOrder
) -> None:
    carriers.post("/shipments").respond(500)
    paid = await make_order(status=OrderStatus.PAID)

    with capture_logs() as lines:
        response = await shop.patch(f"/orders/{paid.id}", json={"status": "shipped"})

    assert response.status_code == 200
    assert ("shipment_not_booked", str(paid.id)) in [
        (line["event"], line.get("order_id")) for line in lines
    ]


@pytest.mark.parametrize("status", ["paid", "cancelled"])
async def test_no_other_status_books_a_shipment(
    shop: AsyncClient, carriers: respx.MockRouter, make_order: MakeOrder, status: str
) -> None:
    booked = carriers.post("/shipments").respond(json={"tracking": "T1"})
    pending = await make_order()

    await shop.patch(f"/orders/{pending.id}", json={"status": status})

    assert not booked.called


async def test_without_a_carrier_shipping_is_free(
    client: AsyncClient, make_product: MakeProduct
) -> None:
    response = await order(client, make_product)

    assert (response.status_code, response.json()["shipping"]) == (201, 0)
