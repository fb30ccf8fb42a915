"""uvicorn's server, which stops in steps and within its budget."""

import asyncio
import gc
import signal
import socket
from threading import Event
from types import FrameType

import structlog
import uvicorn

logger = structlog.get_logger(__name__)

stopping = Event()
"""Set once this process was told to stop: /readyz answers 503."""

YOUNG_OBJECTS = 5_000
"""Python looks for garbage when this many more objects were made than freed; its default is 700."""

CUT_TIMEOUT = 2.0
"""Seconds for requests that were cut to roll back and answer, and then for the database to close."""

FLUSH = 0.1
"""Seconds for clients to take these answers."""


class Server(uvicorn.Server):
    """Stop in three steps: not ready, no new connections, requests in flight are finished."""

    def __init__(self, config: uvicorn.Config, *, drain: float, grace: float) -> None:
        super().__init__(config)
        self.drain = drain
        self.grace = grace

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does; then look for garbage in less, and less often.

        What is here by now stays for as long as the process, and to look at all of it takes 60 ms
        in which no request is answered.
        """
        await super().startup(sockets)
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, and end with 0; uvicorn's own would raise the signal again at the end."""
        del frame
        stopping.set()
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True  # a second Ctrl-C waits for nothing
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve for ``drain`` seconds more, finish requests for ``grace``, and cut what is left."""
        # A kept connection would be closed just as its client sends the next request.
        self.server_state.default_headers.append((b"connection", b"close"))
        await asyncio.sleep(self.drain)
        # uvicorn's own limit cancels requests, and does not wait until they have answered.
        finishing = asyncio.ensure_future(super().shutdown(sockets))
        await asyncio.wait([finishing], timeout=self.grace)
        if not finishing.done():
            await self._cut()
            await asyncio.wait([finishing], timeout=CUT_TIMEOUT)
        if not finishing.done():  # a request that does not let itself be cancelled
            self.force_exit = True
            await self.lifespan.shutdown()
        await finishing

    async def _cut(self) -> None:
        """Cancel what is in flight, let it answer, and break off what a client does not take."""
        if tasks := list(self.server_state.tasks):
            logger.warning("requests_cut", count=len(tasks))
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=CUT_TIMEOUT)
        await asyncio.sleep(FLUSH)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
