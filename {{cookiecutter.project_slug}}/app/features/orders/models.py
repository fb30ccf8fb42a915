"""The tables of orders and their lines."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.models import Base, Entity

CUSTOMER_MAX = 200


class OrderStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


class Order(Entity):
    __tablename__ = "orders"

    customer: Mapped[str] = mapped_column(String(CUSTOMER_MAX))
    status: Mapped[OrderStatus] = mapped_column(default=OrderStatus.PENDING)
    shipping: Mapped[int]  # cents
    tracking: Mapped[str | None]

    # A query says what it loads: under asyncio, a load on attribute access fails.
    lines: Mapped[list["OrderLine"]] = relationship(
        order_by="OrderLine.product_id", cascade="all, delete-orphan", lazy="raise"
    )

    __table_args__ = (Index(None, "created_at", "id"),)

    @property
    def total(self) -> int:
        """Return what the customer pays, in cents."""
        return self.shipping + sum(line.quantity * line.price for line in self.lines)


class OrderLine(Base):
    __tablename__ = "order_lines"

    order_id: Mapped[UUID] = mapped_column(
        ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True
    )
    # Indexed, because PostgreSQL looks here before it deletes a product.
    product_id: Mapped[UUID] = mapped_column(
        ForeignKey("products.id"), primary_key=True, index=True
    )
    quantity: Mapped[int]
    price: Mapped[int]  # in cents, of one piece on the day of the order

    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)
