"""The carrier: another service, which tells what shipping costs and takes shipments."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, FastAPI
from fastapi.requests import HTTPConnection
from httpx import AsyncClient, HTTPError
from pydantic import BaseModel, HttpUrl, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.errors import UnavailableError
from app.setting_types import Seconds
from app.settings import ROOT


class CarrierSettings(BaseSettings):
    """``CARRIER_URL`` and its like, from the environment and ``.env``."""

    model_config = SettingsConfigDict(
        env_prefix="CARRIER_", env_file=ROOT / ".env", env_ignore_empty=True, extra="ignore"
    )

    url: HttpUrl | None = None
    """Base URL; unset, shipping is free and no shipment is booked."""
    timeout: Seconds = 2.0
    """Seconds for a whole exchange; each of httpx's own timeouts limits only one step of it."""


class Quote(BaseModel):
    cents: int


class Shipment(BaseModel):
    tracking: str


Answer = TypeVar("Answer", Quote, Shipment)


class Carrier:
    """Client of the carrier; every failure of the carrier is an ``UnavailableError``."""

    def __init__(self, client: AsyncClient | None, seconds: float) -> None:
        self._client = client
        self._seconds = seconds

    async def quote(self, pieces: int) -> int:
        """Return what it costs to ship this many pieces, in cents."""
        quote = await self._post("quotes", {"pieces": pieces}, Quote)
        return quote.cents if quote else 0

    async def book(self, order_id: UUID) -> str | None:
        """Book a shipment and return its tracking number."""
        shipment = await self._post("shipments", {"order_id": str(order_id)}, Shipment)
        return shipment.tracking if shipment else None

    async def _post(self, path: str, body: Any, answer: type[Answer]) -> Answer | None:
        if self._client is None:
            return None
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._client.post(path, json=body)
            return answer.model_validate_json(response.raise_for_status().content)
        except (HTTPError, TimeoutError, ValidationError) as error:
            raise UnavailableError("The carrier is not available at the moment.") from error


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[dict[str, Carrier]]:
    """Keep one client, with its pool of connections, for as long as the application runs."""
    settings = CarrierSettings()
    async with AsyncClient(base_url=str(settings.url or "")) as client:
        yield {"carrier": Carrier(client if settings.url else None, settings.timeout)}


async def _carrier(connection: HTTPConnection) -> Carrier:
    carrier: Carrier = connection.state.carrier
    return carrier


CurrentCarrier = Annotated[Carrier, Depends(_carrier)]
"""The carrier, for a route that asks for it."""
