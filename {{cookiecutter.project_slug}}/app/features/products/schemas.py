"""What a client sends and receives."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from app.core.schemas import OMITTED, Body, Schema, Text
from app.features.products.models import NAME_MAX

Name = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_MAX)]
Description = Annotated[Text, StringConstraints(max_length=10_000)]
Cents = Annotated[int, Field(ge=0, le=100_000_000_00)]
Stock = Annotated[int, Field(ge=0, le=1_000_000_000)]


class ProductSort(StrEnum):
    """The orders that a client may ask for."""

    NEWEST = "newest"
    NAME = "name"
    CHEAPEST = "cheapest"
    MOST_EXPENSIVE = "most-expensive"


class ProductCreate(Body):
    name: Name
    description: Description | None = None
    price: Cents | None = None
    stock: Stock = 0


class ProductUpdate(Body):
    """Changes only what is sent; null clears the description and the price."""

    name: Name = OMITTED
    description: Description | None = None
    price: Cents | None = None
    stock: Stock = OMITTED


class ProductRead(Schema):
    id: UUID
    name: str
    description: str | None
    price: int | None
    stock: int
    created_at: AwareDatetime
    updated_at: AwareDatetime
