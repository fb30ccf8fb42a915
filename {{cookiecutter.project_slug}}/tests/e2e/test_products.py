from httpx import AsyncClient


async def test_a_product_lives_through_the_real_server(
    live_client: AsyncClient, unique_resource_name: str
) -> None:
    created = await live_client.post("/products", json={"name": unique_resource_name})
    assert created.status_code == 201
    location = created.headers["location"]

    changed = await live_client.patch(location, json={"description": "kept"})
    assert changed.status_code == 200
    assert changed.json()["description"] == "kept"

    again = await live_client.post("/products", json={"name": unique_resource_name})
    assert again.status_code == 409

    deleted = await live_client.delete(location)
    assert deleted.status_code == 204

    gone = await live_client.get(location)
    assert gone.status_code == 404
