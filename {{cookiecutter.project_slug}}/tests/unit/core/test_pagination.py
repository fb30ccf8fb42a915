"""Cursors, and orders that no cursor can follow."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import DateTime, desc, func, nulls_last
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.core.errors import InvalidError
from app.core.keyset import Order, order_of, terms_of


class Base(DeclarativeBase):
    pass


class Sample(Base):
    __tablename__ = "samples"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    price: Mapped[Decimal]
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    blob: Mapped[Any] = mapped_column(JSONB)


def order_by(*clauses: Any) -> Order:
    return order_of(terms_of(clauses), (Sample,))


ORDER = order_by(desc(Sample.at), Sample.name, Sample.price)
VALUES = (datetime(2026, 1, 31, tzinfo=UTC), None, Decimal("1.10"), 7)


def test_a_cursor_keeps_the_values_of_its_row() -> None:
    assert ORDER.decode(ORDER.encode(VALUES)) == VALUES


@pytest.mark.parametrize("cursor", ["x", "eA==", "%00", "ä", "MjAyNi0wMS0wMSB4", "=" * 200, "e30="])
def test_a_cursor_that_was_made_up_is_invalid(cursor: str) -> None:
    with pytest.raises(InvalidError, match="does not belong to this list"):
        ORDER.decode(cursor)


def test_a_cursor_with_any_character_changed_is_invalid() -> None:
    cursor = ORDER.encode(VALUES)

    for place in range(len(cursor)):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        with pytest.raises(InvalidError):
            ORDER.decode(changed)


@pytest.mark.parametrize("added", ["!", " ", "\n", "=", "AAAA"])
def test_a_cursor_with_something_added_is_invalid(added: str) -> None:
    with pytest.raises(InvalidError):
        ORDER.decode(ORDER.encode(VALUES) + added)


@pytest.mark.parametrize(
    "other",
    [
        [Sample.at, Sample.name, Sample.price],
        [Sample.name, desc(Sample.at), Sample.price],
        [desc(Sample.at), Sample.name],
    ],
)
def test_a_cursor_of_another_order_is_invalid(other: list[Any]) -> None:
    with pytest.raises(InvalidError):
        order_by(*other).decode(ORDER.encode(VALUES))


@pytest.mark.parametrize(
    "text",
    [
        '["2026-01-31T00:00:00Z",null,"1.10",9223372036854775808]',
        '["2026-01-31T00:00:00",null,"1.10",7]',
        '["2026-01-31T00:00:00Z","a\\u0000b","1.10",7]',
        '["2026-01-31T00:00:00Z",null,null,7]',
        '["2026-01-31T00:00:00Z",null,"1.10"]',
        "{}",
    ],
)
def test_a_forged_cursor_whose_values_fit_no_column_is_invalid(text: str) -> None:
    cursor = urlsafe_b64encode(ORDER.digest(text.encode()) + text.encode()).decode()

    with pytest.raises(InvalidError):
        ORDER.decode(cursor)


def test_a_cursor_holds_values_and_nothing_else() -> None:
    assert urlsafe_b64decode(ORDER.encode(VALUES))[6:] == b'["2026-01-31T00:00:00Z",null,"1.10",7]'


def test_the_primary_key_follows_in_the_last_direction() -> None:
    clauses = order_by(Sample.name, desc(Sample.at)).clauses

    assert ", ".join(map(str, clauses)) == "samples.name ASC, samples.at DESC, samples.id DESC"


@pytest.mark.parametrize(
    ("clause", "entities", "reason"),
    [
        (nulls_last(Sample.name), (Sample,), "cannot order by samples.name NULLS LAST"),
        (desc(Sample.at).nulls_first(), (Sample,), "cannot order by samples.at DESC NULLS FIRST"),
        ("name", (Sample,), "cannot order by name"),
        (Sample.blob, (Sample,), "cannot order by samples.blob"),
        (func.lower(Sample.name), (Sample,), r"type is NullType\(\): .* type_="),
        (Sample.name, (), "needs a query that selects a model"),
    ],
)
def test_an_order_that_no_cursor_can_follow_is_refused(
    clause: Any, entities: tuple[Any, ...], reason: str
) -> None:
    with pytest.raises(TypeError, match=reason):
        order_of(terms_of([clause]), entities)
