"""Uvicorn, which says that it stops before it stops."""

import asyncio
import gc
import signal
import socket
from threading import Event
from types import FrameType

import uvicorn

stopping = Event()
"""Set once this process was told to stop: /readyz answers 503."""

YOUNG_OBJECTS = 5_000
"""So many more are made than freed before Python looks for garbage among them; its own are 700."""


class Server(uvicorn.Server):
    """Stops in three steps: it is not ready, takes no new connections, finishes its requests."""

    def __init__(self, config: uvicorn.Config, *, drain: float) -> None:
        super().__init__(config)
        self.drain = drain

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does; then look for garbage in less, and less often.

        What is here by now stays for as long as the process, and to look at all of it takes 60 ms
        in which nobody is answered.
        """
        await super().startup(sockets)
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, and end with 0; uvicorn's own would raise the signal again at the end."""
        del frame
        stopping.set()
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True  # a second Ctrl-C waits for nobody
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve a little longer, for whoever has not heard yet; then as uvicorn does."""
        # A kept connection would be closed just as its client sends the next request.
        self.server_state.default_headers.append((b"connection", b"close"))
        await asyncio.sleep(self.drain)
        await super().shutdown(sockets)
