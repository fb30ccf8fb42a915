from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.core.errors import InvalidError
from app.core.pagination import Cursor


def test_a_cursor_survives_the_way_to_the_client_and_back() -> None:
    cursor = Cursor(datetime.now(UTC), uuid4())

    assert Cursor.decode(cursor.encode()) == cursor


@pytest.mark.parametrize("text", ["x", "eA==", "%00", "ä", "MjAyNi0wMS0wMSB4", "=" * 200])
def test_a_cursor_that_was_made_up_is_invalid(text: str) -> None:
    with pytest.raises(InvalidError, match="not one that this service gave out"):
        Cursor.decode(text)
