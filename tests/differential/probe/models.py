"""Tables of the scenarios; schema.sql creates them."""

import enum
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Computed, Enum, FetchedValue, ForeignKey, Identity, Text
from sqlalchemy.dialects.postgresql import INT4RANGE, JSONB, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.models import Base


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    body: Mapped[str] = mapped_column(Text, server_default="none")
    comments: Mapped[list["Comment"]] = relationship(back_populates="note")


class Comment(Base):
    __tablename__ = "comments"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    note_name: Mapped[str] = mapped_column(
        ForeignKey("notes.name", deferrable=True, initially="DEFERRED")
    )
    note: Mapped[Note] = relationship(back_populates="comments")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Kind(Base):
    __tablename__ = "kinds"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    colour: Mapped[Colour] = mapped_column(
        Enum(Colour, name="colour", values_callable=lambda kinds: [kind.value for kind in kinds])
    )
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    span: Mapped[Range[int]] = mapped_column(INT4RANGE)
    width: Mapped[int] = mapped_column(Computed("upper(span) - lower(span)"))
    version: Mapped[int] = mapped_column(server_default=FetchedValue())
