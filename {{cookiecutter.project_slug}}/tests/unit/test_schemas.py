import math
from typing import Any

import pytest
from pydantic import ValidationError

from app.core.schemas import BigInteger, Body, Integer


class Anything(Body):
    """Takes what JSON can say, as far as a schema lets it."""

    given: Any


class Numbers(Body):
    small: Integer = 0
    large: BigInteger = 0


def refusal(schema: type[Body], **given: Any) -> tuple[tuple[str | int, ...], str]:
    with pytest.raises(ValidationError) as caught:
        schema(**given)
    (error,) = caught.value.errors()
    return error["loc"], error["type"]


@pytest.mark.parametrize("text", ["\0", "a lamp\0", "\ud800", "\udfff a lamp"])
def test_text_that_cannot_be_stored_is_refused_wherever_it_is(text: str) -> None:
    for given in (text, [1, {"a": [text]}], {"a": {text: 1}}):
        assert refusal(Anything, given=given) == (("given",), "unstorable")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_cannot_say_is_refused(number: float) -> None:
    assert refusal(Anything, given={"a": [number]}) == (("given",), "finite_number")


def test_what_is_nested_too_deeply_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    assert refusal(Anything, given=deep) == (("given",), "too_deep")


def test_what_can_be_stored_stays_as_it_is() -> None:
    given = {"é 🚀\n\t": [1, 2.5, None, True, {"a": "\x7f"}]}

    assert Anything(given=given).given == given


def test_a_field_that_is_not_known_is_refused() -> None:
    assert refusal(Anything, given=1, is_admin=True) == (("is_admin",), "extra_forbidden")


@pytest.mark.parametrize(("field", "most"), [("small", 2**31 - 1), ("large", 2**63 - 1)])
def test_an_integer_fits_its_column(field: str, most: int) -> None:
    assert Numbers(**{field: most})
    assert Numbers(**{field: -most - 1})
    assert refusal(Numbers, **{field: most + 1}) == ((field,), "less_than_equal")
    assert refusal(Numbers, **{field: -most - 2}) == ((field,), "greater_than_equal")
