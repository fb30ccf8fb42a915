from httpx import AsyncClient


async def test_an_item_lives_through_the_real_server(
    live_client: AsyncClient, unique_resource_name: str
) -> None:
    created = await live_client.post("/items", json={"name": unique_resource_name})
    location = created.headers["location"]
    renamed = await live_client.patch(location, json={"description": "kept"})
    again = await live_client.post("/items", json={"name": unique_resource_name})
    deleted = await live_client.delete(location)
    gone = await live_client.get(location)

    assert created.status_code == 201
    assert renamed.json()["description"] == "kept"
    assert again.status_code == 409
    assert deleted.status_code == 204
    assert gone.status_code == 404
