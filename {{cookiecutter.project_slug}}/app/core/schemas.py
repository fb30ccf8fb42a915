"""The base of every request and response body."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints


class Schema(BaseModel):
    """Refuses fields it does not know, and numbers that JSON cannot carry."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, from_attributes=True)


# PostgreSQL's text cannot hold the NUL character.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
