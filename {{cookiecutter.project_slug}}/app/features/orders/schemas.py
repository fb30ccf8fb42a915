"""What a client sends and receives."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints, field_validator

from app.core.schemas import Body, Schema, Text
from app.features.orders.models import CUSTOMER_MAX, OrderStatus

Customer = Annotated[
    Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=CUSTOMER_MAX)
]


class LineCreate(Body):
    product_id: UUID
    quantity: int = Field(ge=1, le=1000)


class OrderCreate(Body):
    customer: Customer
    lines: list[LineCreate] = Field(min_length=1, max_length=100)

    @field_validator("lines")
    @classmethod
    def _name_each_product_once(cls, lines: list[LineCreate]) -> list[LineCreate]:
        if len({line.product_id for line in lines}) < len(lines):
            raise ValueError("Two lines have the same product.")
        return lines


class OrderUpdate(Body):
    status: OrderStatus


class LineRead(Schema):
    product_id: UUID
    quantity: int
    price: int


class OrderRead(Schema):
    id: UUID
    customer: str
    status: OrderStatus
    lines: list[LineRead]
    shipping: int
    total: int
    tracking: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
