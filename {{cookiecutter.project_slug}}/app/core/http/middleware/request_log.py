"""Around every request: an id, a log line, and the answer when nothing else gave one."""

import re
from http import HTTPStatus
from time import perf_counter
from uuid import uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.db.scope import request_scope
from app.core.http.problem_details import problem

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
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        given = dict(scope["headers"]).get(_RAW_REQUEST_ID, b"").decode("latin-1")
        request_id = given if _SAFE_ID.fullmatch(given) else uuid4().hex
        started, status = perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                own = (_RAW_REQUEST_ID, request_id.encode())
                message["headers"] = [*message.get("headers", ()), own]
            await send(message)

        known = {"request_id": request_id, "method": scope["method"], "path": scope["path"]}
        before = structlog.contextvars.bind_contextvars(**known)
        try:
            with request_scope(f"{scope['method']} {scope['path']}"):
                await self.app(scope, receive, send_with_id)
        except Exception:
            logger.exception("unhandled_error")
            if not status:
                response = problem(HTTPStatus.INTERNAL_SERVER_ERROR)
                await response(scope, receive, send_with_id)
            raise  # for a test to see
        finally:
            elapsed = perf_counter() - started
            logger.info("request", status=status, ms=round(elapsed * 1000, 1))
            structlog.contextvars.reset_contextvars(**before)
