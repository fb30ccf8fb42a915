"""Refuse a request whose body is larger than ``MAX_BODY_SIZE``."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Check the size that a request announces, and count what arrives.

    FastAPI's own ``max_body_size`` lets a route that does not read its body run, commit, and then
    answers 413. The messages of a WebSocket are limited by uvicorn's ``ws_max_size``.
    """

    def __init__(self, app: ASGIApp, *, max_body_size: int) -> None:
        self.app = app
        self._max_body_size = max_body_size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        for name, value in scope["headers"]:
            if name == b"content-length":
                if value.isdigit() and int(value[:20]) > self._max_body_size:
                    raise self._too_large()
                break
        await self.app(scope, self._counted(receive), send)

    def _too_large(self) -> HTTPException:
        return HTTPException(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The body is larger than {self._max_body_size} bytes.",
        )

    def _counted(self, receive: Receive) -> Receive:
        """Count what arrives: a chunked body does not say its size beforehand."""
        total = 0

        async def counted() -> Message:
            nonlocal total
            message = await receive()
            total += len(message.get("body", b"")) if message["type"] == "http.request" else 0
            if total > self._max_body_size:
                raise self._too_large()
            return message

        return counted
