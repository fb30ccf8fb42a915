from uuid import uuid4

import pytest
from pydantic import ValidationError

from app.features.orders.models import OrderStatus
from app.features.orders.schemas import LineCreate, OrderCreate, OrderUpdate
from app.features.orders.service import FOLLOWING


@pytest.mark.parametrize("quantity", [0, -1, 1001, 0.5, None])
def test_a_quantity_that_cannot_be_sold_is_refused(quantity: object) -> None:
    with pytest.raises(ValidationError, match="quantity"):
        LineCreate.model_validate({"product_id": str(uuid4()), "quantity": quantity})


def test_an_order_needs_a_line() -> None:
    with pytest.raises(ValidationError, match="lines"):
        OrderCreate.model_validate({"customer": "Ada", "lines": []})


def test_two_lines_of_one_product_are_refused() -> None:
    line = {"product_id": str(uuid4()), "quantity": 1}

    with pytest.raises(ValidationError, match="same product"):
        OrderCreate.model_validate({"customer": "Ada", "lines": [line, line]})


def test_a_status_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="status"):
        OrderUpdate.model_validate({"status": "lost"})


def test_every_status_has_followers() -> None:
    assert FOLLOWING.keys() == set(OrderStatus)
