"""Requests to load a service with: of the example, or of the ordinary routes."""

import random
from uuid import uuid4

Request = tuple[str, str, object]
"""Method, path and body."""

WAYS = ["example", "ordinary"]

READS = {"example": "/products", "ordinary": "/ordinary/seen"}
WRITES = {
    "example": ["/products"],
    "ordinary": [
        f"/ordinary/{route}/{{}}"
        for route in ("plain", "authenticated", "nested", "twice", "copied", "caught")
    ],
}


def a_read(way: str) -> Request:
    return "GET", READS[way], None


def a_write(way: str) -> Request:
    name = uuid4().hex
    return "POST", random.choice(WRITES[way]).format(name), {"name": name}
