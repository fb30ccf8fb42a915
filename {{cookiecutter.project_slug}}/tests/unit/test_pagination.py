from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.core.errors import InvalidError
from app.core.pagination import Cursor


def test_a_cursor_survives_the_way_to_the_client_and_back() -> None:
    cursor = Cursor(datetime.now(UTC), uuid4())

    assert Cursor.decode(cursor.encode()) == cursor


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00"]
)
def test_a_time_that_the_database_did_not_give_is_invalid(moment: str) -> None:
    text = urlsafe_b64encode(f"{moment} {uuid4()}".encode()).decode()

    with pytest.raises(InvalidError):
        Cursor.decode(text)


@pytest.mark.parametrize("text", ["x", "eA==", "%00", "ä", "MjAyNi0wMS0wMSB4", "=" * 200])
def test_a_cursor_that_was_made_up_is_invalid(text: str) -> None:
    with pytest.raises(InvalidError, match="not one that this service gave out"):
        Cursor.decode(text)
