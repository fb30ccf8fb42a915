"""Reject requests whose Host header, Origin or address is not acceptable."""

import re
from collections.abc import Collection
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.errors import ForbiddenError

PROBES = frozenset({"/livez", "/readyz"})
"""Asked for by address, which changes: an orchestrator does not know the service's name."""

_HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class TrustedHost:
    """Serve the hosts that were named, and WebSockets of their own pages and of ``origins``.

    Starlette's TrustedHostMiddleware knows no exception for probes. A browser asks no preflight
    before it opens a WebSocket, and sends its cookies with it.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Collection[str], origins: Collection[str] = ()
    ) -> None:
        self.app = app
        self._any_host = "*" in hosts
        self._hosts = frozenset(host.lower() for host in hosts if not host.startswith("*"))
        self._parents = frozenset(host.lower()[2:] for host in hosts if host.startswith("*."))
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            self.check(scope)
        await self.app(scope, receive, send)

    def check(self, scope: Scope) -> None:
        """Raise an error for a request that is not to be served."""
        host, origin = b"", None
        for name, value in reversed(scope["headers"]):  # the first of a name counts
            if name == b"host":
                host = value
            elif name == b"origin":
                origin = value
        if not self._serves(host.decode("latin-1")) and not is_probe(scope):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "This host is not served here.")
        # PostgreSQL's text cannot hold it, and no address needs it.
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "The address holds a NUL character.")
        # Only browsers send an Origin.
        if scope["type"] != "websocket" or origin is None:
            return
        if not self._is_allowed(origin, host):
            raise ForbiddenError("Pages of this origin may not open a WebSocket here.")

    def _serves(self, header: str) -> bool:
        if self._any_host or header in self._hosts:
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

    def _is_allowed(self, header: bytes, host: bytes) -> bool:
        origin = header.decode("latin-1").lower()
        if origin in self._origins or "*" in self._origins:
            return True
        scheme, _, page = origin.partition("://")
        default = _DEFAULT_PORTS.get(scheme)
        # Behind a proxy that ends TLS, the scheme of this connection is not the page's.
        own = host.decode("latin-1").lower()
        return default is not None and page.removesuffix(default) == own.removesuffix(default)


def is_probe(scope: Scope) -> bool:
    """Tell whether an orchestrator asks, which may do so by address and at any load."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) in PROBES
