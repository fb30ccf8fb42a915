import pytest
from pydantic import ValidationError

from app.features.products.schemas import ProductCreate, ProductUpdate


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "a\x00b", None, 7])
def test_a_name_that_the_table_cannot_hold_is_refused(name: object) -> None:
    with pytest.raises(ValidationError, match="name"):
        ProductCreate.model_validate({"name": name})


def test_spaces_around_a_name_do_not_count() -> None:
    assert ProductCreate(name="  lamp ").name == "lamp"


def test_a_field_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        ProductCreate.model_validate({"name": "lamp", "id": "mine"})


def test_only_what_was_sent_is_changed() -> None:
    change = ProductUpdate.model_validate({"description": None})

    assert change.model_dump(exclude_unset=True) == {"description": None}


def test_a_name_cannot_be_cleared() -> None:
    with pytest.raises(ValidationError, match="name"):
        ProductUpdate.model_validate({"name": None})
