"""No request takes for ever: what has not begun to answer in time is cancelled."""

import asyncio
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.http.problem_details import problem

TOO_LATE = "The request took too long; whether it had an effect is not known."


class Deadline:
    """Cancels a request that has not begun to answer, which rolls back what it did.

    Cancelled as asyncio does it, once: anyio's scopes cancel every ``await`` after it too, also those
    that tell PostgreSQL to stop and wait until it has.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        deadline = asyncio.timeout(self.seconds)

        async def send_in_time(message: Message) -> None:
            if not deadline.expired():
                deadline.reschedule(None)  # a response that has begun may take its time
                await send(message)

        try:
            async with deadline:
                await self.app(scope, receive, send_in_time)
        except Exception:  # what a cancelled request raises while it cleans up is of no interest
            if not deadline.expired():
                raise
        if deadline.expired():
            await problem(HTTPStatus.GATEWAY_TIMEOUT, TOO_LATE)(scope, receive, send)
