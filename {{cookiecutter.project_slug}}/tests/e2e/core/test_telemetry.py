from devkit.testing.databases import Databases
from devkit.testing.service import running


async def test_without_an_endpoint_the_sdk_is_not_loaded(databases: Databases) -> None:
    async with (
        databases.clone() as url,
        running(url, until="/livez", PYTHONPROFILEIMPORTTIME="1") as service,
    ):
        imported = {line.rpartition("|")[2].strip() for line in service.log().splitlines()}

    assert "app.core.observability.telemetry.spans" in imported
    assert "opentelemetry.sdk" not in imported
