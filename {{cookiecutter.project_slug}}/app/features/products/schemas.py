"""What a client sends and receives."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from app.core.schemas import Body, Schema, Text
from app.features.products.models import NAME_MAX

Name = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_MAX)]
Description = Annotated[Text, StringConstraints(max_length=10_000)]


class ProductCreate(Body):
    name: Name
    description: Description | None = None


class ProductUpdate(Body):
    """Only what is sent changes; ``null`` clears the description, and a name cannot be cleared."""

    # A factory, so that the schema shows no default: the field is left out or is a name.
    name: Name = Field(default_factory=str)
    description: Description | None = None


class ProductRead(Schema):
    id: UUID
    name: str
    description: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
