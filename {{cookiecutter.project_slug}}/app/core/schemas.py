"""The base of every request and response body, and the types of its values."""

import math
import re
from collections.abc import Collection
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

# PostgreSQL's text cannot hold the NUL character, and UTF-8 no half of a surrogate pair.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

DEEPEST = 32
"""Levels of JSON: far more than a form has, and far fewer than Python's recursion limit."""


class Schema(BaseModel):
    """Refuses fields it does not know, and numbers that JSON cannot carry."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, from_attributes=True)


class Body(Schema):
    """Of a request: refuses also what PostgreSQL cannot carry.

    Not of a response, whose values come from there: to look at each of them costs a list of 50 rows
    a third of its time in Python.
    """

    @field_validator("*", mode="before")
    @classmethod
    def _can_be_stored(cls, value: Any) -> Any:
        """Look at all of it, also where a field takes anything; not by recursion."""
        level, depth = _parts(value), 1
        while level:
            level, depth = [part for whole in level for part in _parts(whole)], depth + 1
            if depth > DEEPEST:
                raise PydanticCustomError("too_deep", "Input is nested too deeply")
        return value


_NOTHING: tuple[()] = ()


def _parts(whole: Any) -> Collection[Any]:
    """Return what is one level below, or refuse what is at the bottom."""
    if isinstance(whole, str):
        if _UNSTORABLE.search(whole):
            raise PydanticCustomError("unstorable", "Input holds a NUL or half a character")
    elif isinstance(whole, dict):
        return [*whole, *whole.values()]
    elif isinstance(whole, list):
        return whole
    elif isinstance(whole, float) and not math.isfinite(whole):
        raise PydanticCustomError("finite_number", "Input should be a finite number")
    return _NOTHING


Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""For a parameter; what is in a ``Body`` needs no such care."""

Integer = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
"""Fits a column of SQLAlchemy's ``Integer``, which an ``int`` of Python may not."""

BigInteger = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
