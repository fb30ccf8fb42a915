"""Turn requests away whose connection is one too many."""

from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.errors import RETRY_AFTER, UnavailableError
from app.core.http.middleware.trusted_host import is_probe
from app.core.http.protocol import AT_CAPACITY

HEADERS = {**RETRY_AFTER, "Connection": "close"}


class ConnectionLimit:
    """Answer 503 on connections above ``MAX_CONNECTIONS``, except to probes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if AT_CAPACITY in scope.get("state", ()) and not is_probe(scope):
            raise UnavailableError("This process has too many connections.", headers=HEADERS)
        await self.app(scope, receive, send)
