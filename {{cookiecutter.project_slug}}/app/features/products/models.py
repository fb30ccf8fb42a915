"""The table of products."""

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.models import Entity

NAME_MAX = 200
NAME_IS_UNIQUE = "uq_products_name"


class Product(Entity):
    __tablename__ = "products"

    name: Mapped[str] = mapped_column(String(NAME_MAX))
    description: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("name", name=NAME_IS_UNIQUE),
        # The order of the list endpoint, so that each page is one index range.
        Index(None, "created_at", "id"),
    )
