"""Give every request and WebSocket an id and one line in the log."""

import re
from http import HTTPStatus
from time import perf_counter
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.db.scope import request_scope

logger = structlog.get_logger(__name__)

REQUEST_ID = "X-Request-ID"
_RAW_REQUEST_ID = REQUEST_ID.lower().encode()
# A caller's id goes into our log and response: nothing in it may start a new line of either.
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class RequestLog:
    """Pure ASGI: Starlette's BaseHTTPMiddleware would run the application in another task."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._log_request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._log_websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _log_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = _id_of(scope)
        started, status = perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                _add_id(message, request_id)
            await send(message)

        known = {"request_id": request_id, "method": scope["method"], "path": scope["path"]}
        before = structlog.contextvars.bind_contextvars(**known)
        try:
            with request_scope(f"{scope['method']} {scope['path']}"):
                await self.app(scope, receive, send_with_id)
        finally:
            logger.info("request", status=status, ms=_ms_since(started))
            structlog.contextvars.reset_contextvars(**before)

    async def _log_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = _id_of(scope)
        started, status, code = perf_counter(), 0, None

        async def send_with_id(message: Message) -> None:
            nonlocal status, code
            if message["type"] in ("websocket.accept", "websocket.http.response.start"):
                status = int(message.get("status", HTTPStatus.SWITCHING_PROTOCOLS))
                _add_id(message, request_id)
            elif message["type"] == "websocket.close":
                code = code or int(message.get("code", 1000))
            await send(message)

        async def receive_code() -> Message:
            nonlocal code
            message = await receive()
            if message["type"] == "websocket.disconnect":
                code = code or int(message.get("code", 1005))
            return message

        # Without a scope for sessions: each message has its own, and what it commits is told at once.
        # Without the query: browsers can send a token nowhere else. A handshake is a GET.
        known = {"request_id": request_id, "method": "GET", "path": scope["path"]}
        before = structlog.contextvars.bind_contextvars(**known)
        try:
            await self.app(scope, receive_code, send_with_id)
        finally:
            logger.info("websocket", status=status, code=code, ms=_ms_since(started))
            structlog.contextvars.reset_contextvars(**before)


def _id_of(scope: Scope) -> str:
    given: str = dict(scope["headers"]).get(_RAW_REQUEST_ID, b"").decode("latin-1")
    return given if _SAFE_ID.fullmatch(given) else uuid4().hex


def _add_id(message: Message, request_id: str) -> None:
    own = (_RAW_REQUEST_ID, request_id.encode())
    message["headers"] = [*message.get("headers", ()), own]


def _ms_since(started: float) -> float:
    return round((perf_counter() - started) * 1000, 1)
