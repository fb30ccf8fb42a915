"""Turns away, before the application sees it, what no route should have to think of."""

import re
from collections.abc import Collection
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.http.problem_details import problem

PROBES = frozenset({"/livez", "/readyz"})
"""Asked for by address, which changes: an orchestrator does not know the service's name."""

_HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)


class Gate:
    """Checks the host, the address and the size of the body, as it arrives.

    FastAPI's own ``max_body_size`` lets a route that does not read its body run, commit, and then
    answers 413; Starlette's TrustedHostMiddleware knows no exception for probes.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], max_body_size: int) -> None:
        self.app = app
        self._any_host = "*" in hosts
        self._hosts = frozenset(host.lower() for host in hosts if not host.startswith("*"))
        self._parents = frozenset(host.lower()[2:] for host in hosts if host.startswith("*."))
        self._max_body_size = max_body_size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif refusal := self._refusal(scope):
            await _refuse(scope, receive, send, *refusal)
        else:
            await self.app(scope, self._counted(receive), send)

    def _refusal(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))  # the first of a name counts
        if not self._serves(headers.get(b"host", b"").decode("latin-1"), scope["path"]):
            return HTTPStatus.BAD_REQUEST, "This host is not served here."
        # PostgreSQL's text cannot hold it, and no address needs it.
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            return HTTPStatus.BAD_REQUEST, "The address holds a NUL character."
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > self._max_body_size:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large
        return None

    def _serves(self, header: str, path: str) -> bool:
        if self._any_host or header in self._hosts or path in PROBES:
            return True
        match = _HOST.fullmatch(header.lower())
        if match is None:
            return False
        host = match[1]
        _, _, parent = host.partition(".")
        return host in self._hosts or self._serves_below(parent)

    def _serves_below(self, parent: str) -> bool:
        while parent:
            if parent in self._parents:
                return True
            _, _, parent = parent.partition(".")
        return False

    @property
    def _too_large(self) -> str:
        return f"The body is larger than {self._max_body_size} bytes."

    def _counted(self, receive: Receive) -> Receive:
        """Count what arrives: a chunked body does not say its size beforehand."""
        total = 0

        async def counted() -> Message:
            nonlocal total
            message = await receive()
            total += len(message.get("body", b"")) if message["type"] == "http.request" else 0
            if total > self._max_body_size:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large)
            return message

        return counted


async def _refuse(
    scope: Scope, receive: Receive, send: Send, status: HTTPStatus, detail: str
) -> None:
    if scope["type"] == "http":
        await problem(status, detail)(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": detail})
