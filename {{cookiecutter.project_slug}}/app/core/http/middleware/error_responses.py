"""Answer whatever the application and its middleware raise, and end every WebSocket in words."""

import asyncio
from contextlib import suppress
from http import HTTPStatus

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from app.core.http.exception_handlers import UNHANDLED, Answer, answer_to, shortened
from app.core.http.middleware.timeout import StalledClientError
from app.core.http.protocol import ABORT
from app.core.http.server import stopping

logger = structlog.get_logger(__name__)

CUT = Answer(
    HTTPStatus.GATEWAY_TIMEOUT,
    "The service stops, and the request took too long; whether it had an effect is not known.",
)
"""The answer to a request that SHUTDOWN_GRACE has cancelled; the server adds ``Connection: close``."""

START = {"http.response.start", "websocket.accept", "websocket.http.response.start"}
BODY = {"http.response.body", "websocket.http.response.body"}


class Exchange:
    """One request or WebSocket, and how far its answer has come."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.status = 0
        self.started = False
        self.ended = False
        self._receive = receive
        self._send = send

    async def send(self, message: Message) -> None:
        """Note what is sent; reject in words, and close with a reason that fits."""
        kind = message["type"]
        if kind in START:
            self.started = True
            self.status = int(message.get("status", 0))
        elif kind in BODY:
            self.ended = not message.get("more_body", False)
        elif kind == "websocket.close":
            if not self.started:
                await self._reject(message)
                return
            self.ended = True
            message = {**message, "reason": shortened(message.get("reason") or "")}
        await self._send(message)

    async def receive(self) -> Message:
        """Note that the client has left its WebSocket."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self.ended = True
        return message

    async def answer(self, answer: Answer) -> None:
        """Send the answer, if it is not too late for one."""
        if self.ended:
            return
        with suppress(OSError):  # the client has left meanwhile
            if not self.started:
                await self._respond(answer)
            elif self.scope["type"] == "websocket":
                await self.send(answer.close())

    async def _reject(self, close: Message) -> None:
        await self._respond(Answer(HTTPStatus.FORBIDDEN, close.get("reason") or None))

    async def _respond(self, answer: Answer) -> None:
        if self.scope["type"] == "http" or _can_deny(self.scope):
            await answer.response()(self.scope, self._receive, self.send)
        else:
            self.started = self.ended = True
            await self._send(answer.close())


def _can_deny(scope: Scope) -> bool:
    """Tell whether the server can answer a handshake with more than 403.

    https://asgi.readthedocs.io/en/latest/extensions.html#websocket-denial-response
    """
    return "websocket.http.response" in scope.get("extensions", {})


class ErrorResponses:
    """Answer what the application raises; what is a bug is logged once and raised again."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send)
        is_websocket = scope["type"] == "websocket"
        try:
            await self.app(scope, exchange.receive if is_websocket else receive, exchange.send)
        except asyncio.CancelledError:
            if not stopping.is_set() or (exchange.started and not is_websocket):
                raise
            await exchange.answer(CUT)
        except StalledClientError:
            logger.warning("stalled_client")
            scope.get("state", {}).get(ABORT, _nothing)()
        except Exception as error:
            await self._answer(exchange, error)
        else:
            if is_websocket:
                await _end(exchange)

    async def _answer(self, exchange: Exchange, error: Exception) -> None:
        if isinstance(error, WebSocketDisconnect):
            return  # the client has left, and the handler did not ask for more
        answer = answer_to(error)
        if answer and exchange.ended and exchange.status == answer.status:
            return  # an application within this one has answered
        was_ended = exchange.ended  # what runs after the response has failed
        if answer is None or was_ended:
            logger.error("unhandled_error", exc_info=error)
        is_cut = exchange.started and exchange.scope["type"] == "http" and not exchange.ended
        await exchange.answer(answer or UNHANDLED)
        if answer is None or is_cut or was_ended:
            raise error  # for a test to see; and so that the server breaks off what has begun


def _nothing() -> None:
    """Stand in for a server that cannot break a connection off."""


async def _end(exchange: Exchange) -> None:
    """Close a WebSocket whose handler has returned: the server itself would drop the connection."""
    if not exchange.started and not exchange.ended:
        logger.error("websocket_not_accepted")
        await exchange.answer(UNHANDLED)
    elif not exchange.ended:
        with suppress(OSError):
            await exchange.send({"type": "websocket.close", "code": 1000})
