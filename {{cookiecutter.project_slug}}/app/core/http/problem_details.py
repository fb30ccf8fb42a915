"""The body of every error, ``application/problem+json``, and its place in the OpenAPI document.

https://www.rfc-editor.org/rfc/rfc9457
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema


class InvalidField(BaseModel):
    """Where in the request a value is wrong, and why; never the value itself."""

    loc: list[str | int]
    msg: str
    type: str


class Problem(BaseModel):
    """The body of every error."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    request_id: str | None = None
    errors: list[InvalidField] | None = None


REFERENCE = "#/components/schemas/{model}"


def problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Describe these statuses in the OpenAPI document: the ``responses`` of a route."""
    schema = {"$ref": REFERENCE.format(model=Problem.__name__)}
    content = {"application/problem+json": {"schema": schema}}
    return {status: {"description": status.phrase, "content": content} for status in statuses}


def describe(document: dict[str, Any]) -> dict[str, Any]:
    """Put problems where FastAPI describes its own form of a validation error."""
    _, schemas = models_json_schema([(Problem, "serialization")], ref_template=REFERENCE)
    components = document.setdefault("components", {}).setdefault("schemas", {})
    components.update(schemas["$defs"])
    for name in ("HTTPValidationError", "ValidationError"):
        components.pop(name, None)
    (invalid,) = problems(HTTPStatus.UNPROCESSABLE_ENTITY).values()
    for path in document["paths"].values():
        for operation in path.values():
            if "422" in operation["responses"]:
                operation["responses"]["422"] = invalid
    return document


def phrase(status: int) -> str:
    """Return the status' own words; any number may be one."""
    known = status in HTTPStatus.__members__.values()
    return HTTPStatus(status).phrase if known else "Error"


def problem(
    status: int,
    detail: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    errors: list[InvalidField] | None = None,
) -> JSONResponse:
    """Make the response for an error; ``title`` is the status' own phrase."""
    body = Problem(
        title=phrase(status),
        status=status,
        detail=detail,
        request_id=structlog.contextvars.get_contextvars().get("request_id"),
        errors=errors,
    )
    return JSONResponse(
        body.model_dump(exclude_none=True),
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )
