"""Time limits of one request: until its answer begins, and for each part that the client takes."""

import asyncio
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOO_LATE = "The request took too long; whether it had an effect is not known."

PART_MAX = 65_536
"""Bytes that the client has to take in one time limit: uvicorn holds as many back."""

STARTS = {"http.response.start", "websocket.accept", "websocket.http.response.start"}


class StalledClientError(Exception):
    """The client has not taken what was sent to it."""


class Timeout:
    """Cancel a request that has not begun to answer, or whose client does not take the answer.

    Cancelling ends the transaction of a request, or of the generator of a stream, which otherwise
    keeps its connection for as long as the client likes. It is done as asyncio does it, once: anyio's
    scopes cancel every ``await`` after it too, also those that tell PostgreSQL to stop and wait
    until it has.
    """

    def __init__(self, app: ASGIApp, *, seconds: float, send_seconds: float) -> None:
        self.app = app
        self.seconds = seconds
        self.send_seconds = send_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        deadline = asyncio.timeout(self.seconds)
        sender = Sender(send, deadline, self.send_seconds)
        try:
            async with deadline:
                await self.app(scope, receive, sender.send)
        except Exception:  # what a cancelled request raises while it cleans up is of no interest
            if not deadline.expired():
                raise
        if deadline.expired():
            if sender.begun:
                raise StalledClientError
            raise HTTPException(HTTPStatus.GATEWAY_TIMEOUT, TOO_LATE)


class Sender:
    """Send an answer in parts, each with a time limit; between two, it may take its time."""

    def __init__(self, send: Send, deadline: asyncio.Timeout, seconds: float) -> None:
        self.begun = False
        self._send = send
        self._deadline = deadline
        self._seconds = seconds
        self._now = asyncio.get_running_loop().time
        self._sending = 0
        self._has_sent_body = False

    async def send(self, message: Message) -> None:
        if message["type"] in STARTS:  # it waits for nothing
            if not self._deadline.expired():
                self.begun = True
                self._deadline.reschedule(None)
                await self._send(message)
            return
        body = message.get("body", b"")
        if len(body) <= PART_MAX:
            is_part = self._has_sent_body or message.get("more_body")
            if is_part or message["type"] != "http.response.body":
                await self._send_in_time(message)
            elif not self._deadline.expired():  # a whole answer: it waits for nothing either
                await self._send(message)
            return
        for start in range(0, len(body), PART_MAX):
            end = start + PART_MAX
            more = end < len(body) or message.get("more_body", False)
            await self._send_in_time({**message, "body": body[start:end], "more_body": more})

    async def _send_in_time(self, message: Message) -> None:
        if self._deadline.expired():
            return
        self.begun = self._has_sent_body = True
        self._sending += 1
        self._deadline.reschedule(self._now() + self._seconds)
        try:
            await self._send(message)
        finally:
            self._sending -= 1
            if not self._deadline.expired():
                again = self._now() + self._seconds if self._sending else None
                self._deadline.reschedule(again)
