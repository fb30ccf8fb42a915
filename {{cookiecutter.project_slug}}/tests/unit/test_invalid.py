"""A client hears where its request is wrong and why, and never what it sent."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import pytest
from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BaseModel,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from app.core.http.validation_errors import MOST, shown

SECRET = "hunter2-hunter2"


class Cat(BaseModel, extra="forbid"):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Login(BaseModel):
    password: str

    @model_validator(mode="after")
    def _refuse(self) -> Self:
        raise ValueError(f"the password {self.password} is known")


def _quote(value: str) -> str:
    raise ValueError(f"{value!r} is in no catalogue")


Quoting = Annotated[str, AfterValidator(_quote)]
Pet = Annotated[Cat | Dog, Field(discriminator="kind")]


def answer(kind: Any, given: Any) -> list[dict[str, Any]]:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(given)
    return shown(caught.value.errors())


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        (Quoting, SECRET, "'…' is in no catalogue"),
        (Login, {"password": SECRET}, "the password … is known"),
        (Pet, {"kind": SECRET}, "Input tag … found using 'kind'"),
        (UUID, SECRET, "Input should be a valid UUID, …"),
        (datetime, SECRET, "Input should be a valid datetime or date, …"),
        (AnyHttpUrl, SECRET, "Input should be a valid URL, …"),
        (int, SECRET, "Input should be a valid integer"),
        (Literal["a", "b"], SECRET, "Input should be 'a' or 'b'"),
    ],
)
def test_no_message_repeats_the_value(kind: Any, given: Any, message: str) -> None:
    (error,) = answer(kind, given)

    assert error["msg"].startswith(message)
    assert SECRET not in str(error)
    assert error.keys() == {"loc", "msg", "type"}


@pytest.mark.parametrize("name", ["x" * 65, "a\nb", "\x1b[31m", "\u202e"])
def test_a_name_that_the_client_made_up_is_withheld(name: str) -> None:
    (error,) = answer(Cat, {"kind": "cat", name: 1})

    assert error["loc"] == ["…"]


def test_an_unknown_field_is_named() -> None:
    (error,) = answer(Cat, {"kind": "cat", "colour": "black"})

    assert (error["loc"], error["type"]) == (["colour"], "extra_forbidden")


def test_many_errors_are_cut_off() -> None:
    assert len(answer(list[int], ["x"] * 1000)) == MOST
