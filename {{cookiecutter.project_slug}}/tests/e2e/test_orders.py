from httpx import AsyncClient


async def test_an_order_lives_through_the_real_server(
    live_client: AsyncClient, unique_resource_name: str
) -> None:
    product = {"name": unique_resource_name, "price": 100, "stock": 1}
    product_id = (await live_client.post("/products", json=product)).json()["id"]
    new = {"customer": "Ada", "lines": [{"product_id": product_id, "quantity": 1}]}

    created = await live_client.post("/orders", json=new)
    assert created.status_code == 201
    location = created.headers["location"]

    sold_out = await live_client.post("/orders", json=new)
    assert sold_out.status_code == 409

    paid = await live_client.patch(location, json={"status": "paid"})
    assert paid.json()["status"] == "paid"

    read = await live_client.get(location)
    assert read.json() == paid.json()
