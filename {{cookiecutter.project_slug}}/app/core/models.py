"""The declarative base of every table."""

from datetime import datetime
from enum import Enum
from typing import ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import BigInteger, DateTime, MetaData, Text, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Every constraint has a name that a migration can drop and an error handler can know."""


CHECKED_WORDS = sa.Enum(
    Enum,
    values_callable=lambda kind: [word.value for word in kind],  # not their names in Python
    # A type of the database cannot lose a word, and a downgrade leaves it behind: a check can, and goes.
    native_enum=False,
    create_constraint=True,
    length=50,  # else that of the longest word, and a longer one would change the column, too
)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar = {
        str: Text,
        int: BigInteger,  # to widen a column of a live table takes four releases
        datetime: DateTime(timezone=True),
        Enum: CHECKED_WORDS,
    }
    # Values that the database makes come back with the statement itself: a refresh on
    # attribute access is a lazy load, and fails under asyncio.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - as SQLAlchemy declares it


class Entity(Base):
    """A row with an id, and the times it was made and last changed, by the database's clock.

    ``clock_timestamp()`` and not ``now()``: rows of one transaction keep their order.
    ``uuidv7()`` begins with the time, so new keys stand side by side in the index: docs/migrations.md.
    """

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.uuidv7())
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.clock_timestamp(), onupdate=func.clock_timestamp()
    )
