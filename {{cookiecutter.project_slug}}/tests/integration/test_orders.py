import asyncio
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.features.orders.models import Order, OrderLine, OrderStatus
from app.features.products.models import Product
from devkit.testing.queries import Queries
from tests.factories.orders import MakeOrder
from tests.factories.products import MakeProduct


def order_of(*products: Product, quantity: int = 1) -> dict[str, Any]:
    """Return the body of a request."""
    lines = [{"product_id": str(product.id), "quantity": quantity} for product in products]
    return {"customer": "Ada", "lines": lines}


async def stock_of(session: AsyncSession, product: Product) -> int:
    await session.refresh(product)
    return product.stock


async def test_an_order_has_the_prices_of_its_products(
    client: AsyncClient, make_product: MakeProduct
) -> None:
    lamp, chair = await make_product(price=100, stock=5), await make_product(price=30, stock=5)

    response = await client.post("/orders", json=order_of(lamp, chair, quantity=2))

    assert response.status_code == 201
    body = response.json()
    assert (body["status"], body["total"]) == ("pending", 260)
    assert body["lines"] == [
        {"product_id": str(lamp.id), "quantity": 2, "price": 100},
        {"product_id": str(chair.id), "quantity": 2, "price": 30},
    ]


async def test_an_order_takes_its_products_from_stock(
    client: AsyncClient, session: AsyncSession, make_product: MakeProduct
) -> None:
    product = await make_product(price=100, stock=5)

    await client.post("/orders", json=order_of(product, quantity=2))

    assert await stock_of(session, product) == 3


async def test_an_order_of_more_than_there_is_changes_nothing(
    client: AsyncClient, session: AsyncSession, make_product: MakeProduct
) -> None:
    lamp = await make_product(price=100, stock=5)
    chair = await make_product(name="chair", price=100, stock=1)

    response = await client.post("/orders", json=order_of(lamp, chair, quantity=2))

    assert (response.status_code, response.json()["detail"]) == (409, "chair: 1 in stock.")
    assert (await stock_of(session, lamp), await stock_of(session, chair)) == (5, 1)
    assert await session.scalar(select(func.count()).select_from(Order)) == 0


async def test_a_product_without_a_price_cannot_be_ordered(
    client: AsyncClient, make_product: MakeProduct
) -> None:
    product = await make_product(price=None, stock=1)

    response = await client.post("/orders", json=order_of(product))

    assert response.status_code == 409


async def test_an_order_of_an_unknown_product_is_invalid(client: AsyncClient) -> None:
    response = await client.post("/orders", json=order_of(Product(id=uuid4())))

    assert response.status_code == 422
    assert "There is no product" in response.json()["detail"]


async def test_an_order_is_read_with_its_lines(client: AsyncClient, make_order: MakeOrder) -> None:
    order = await make_order(customer="Ada", shipping=5)

    response = await client.get(f"/orders/{order.id}")

    assert response.status_code == 200
    body = response.json()
    assert (body["customer"], body["total"], len(body["lines"])) == ("Ada", 105, 1)


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_unknown_order_is_not_found(client: AsyncClient, method: str) -> None:
    body = {"status": "paid"} if method == "PATCH" else None

    response = await client.request(method, f"/orders/{uuid4()}", json=body)

    assert response.status_code == 404


async def test_a_page_of_orders_costs_two_queries(
    client: AsyncClient, make_order: MakeOrder, queries: Queries
) -> None:
    made = [str((await make_order()).id) for _ in range(3)]

    with queries.expect(2):
        response = await client.get("/orders")

    assert [order["id"] for order in response.json()["items"]] == made[::-1]


async def test_orders_are_found_by_their_status(client: AsyncClient, make_order: MakeOrder) -> None:
    await make_order()
    paid = await make_order(status=OrderStatus.PAID)

    response = await client.get("/orders", params={"status": "paid"})

    assert [order["id"] for order in response.json()["items"]] == [str(paid.id)]


STATUSES = ["pending", "paid", "shipped", "cancelled"]
ALLOWED = {
    ("pending", "paid"),
    ("pending", "cancelled"),
    ("paid", "shipped"),
    ("paid", "cancelled"),
}


@pytest.mark.parametrize("after", STATUSES)
@pytest.mark.parametrize("before", STATUSES)
async def test_only_a_status_that_may_follow_is_taken(
    client: AsyncClient, make_order: MakeOrder, before: str, after: str
) -> None:
    order = await make_order(status=OrderStatus(before))

    response = await client.patch(f"/orders/{order.id}", json={"status": after})

    assert response.status_code == (200 if (before, after) in ALLOWED else 409)


async def test_a_cancelled_order_puts_its_products_back(
    client: AsyncClient, session: AsyncSession, make_product: MakeProduct, make_order: MakeOrder
) -> None:
    product = await make_product(stock=2)
    order = await make_order(product)

    await client.patch(f"/orders/{order.id}", json={"status": "cancelled"})

    assert await stock_of(session, product) == 3


async def test_a_product_that_was_ordered_cannot_be_deleted(
    client: AsyncClient, make_product: MakeProduct, make_order: MakeOrder
) -> None:
    product = await make_product()
    await make_order(product)

    response = await client.delete(f"/products/{product.id}")

    assert response.status_code == 409


async def test_the_lines_of_an_order_go_with_it(
    session: AsyncSession, make_order: MakeOrder
) -> None:
    order = await make_order()

    await session.delete(order)
    await session.flush()

    assert await session.scalar(select(func.count()).select_from(OrderLine)) == 0


@pytest.mark.committed
async def test_stock_never_goes_below_zero_in_a_race(
    client: AsyncClient, session: AsyncSession, make_product: MakeProduct
) -> None:
    product = await make_product(price=100, stock=3)

    responses = await asyncio.gather(
        *(client.post("/orders", json=order_of(product)) for _ in range(8))
    )

    assert sorted(response.status_code for response in responses) == [201] * 3 + [409] * 5
    assert await stock_of(session, product) == 0


@pytest.mark.committed
async def test_orders_of_the_same_products_do_not_wait_for_each_other(
    client: AsyncClient, make_product: MakeProduct
) -> None:
    products = [await make_product(price=100, stock=100) for _ in range(4)]

    responses = await asyncio.gather(
        *(
            client.post("/orders", json=order_of(*(products if number % 2 else products[::-1])))
            for number in range(16)
        )
    )

    assert {response.status_code for response in responses} == {201}
