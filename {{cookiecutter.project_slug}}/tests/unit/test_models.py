from enum import StrEnum

from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import CreateTable

from app.core.models import NAMING_CONVENTION, Base


class Status(StrEnum):
    OPEN = "open"
    SENT_OUT = "sent out"


def test_a_set_of_words_is_text_with_a_named_check() -> None:
    class Own(DeclarativeBase):
        metadata = MetaData(naming_convention=NAMING_CONVENTION)
        type_annotation_map = Base.type_annotation_map

    class Order(Own):
        __tablename__ = "orders"
        id: Mapped[int] = mapped_column(primary_key=True)
        status: Mapped[Status]

    sql = str(CreateTable(Own.metadata.tables["orders"]).compile(dialect=postgresql.dialect()))

    assert "status VARCHAR(50) NOT NULL" in sql
    assert "CONSTRAINT ck_orders_status CHECK (status IN ('open', 'sent out'))" in sql
