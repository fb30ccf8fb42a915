"""uvicorn's protocol for HTTP/1.1, with limits for the head of a request and for connections."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.core.http.problem_details import problem

HEADERS_MAX = 100
"""Fields in the head of a request."""

HEAD_MAX = 65_536
"""Bytes in the head of a request: httptools has no limit of its own."""

AT_CAPACITY = "app.at_capacity"
"""Key in a scope's state: this connection is one too many."""

ABORT = "app.abort"
"""Key in a scope's state: the function that breaks this connection off."""

BAD_REQUEST, HEAD_TOO_LARGE = 400, 431


class HeadTooLargeError(Exception):
    """The head of a request is larger than this server reads."""


class Protocol(HttpToolsProtocol):
    """Read requests whose head has a reasonable size, on a limited number of connections."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # uvicorn's own answer to more is plain text, without a line in the log, and to probes too.
        self._max_connections, self.limit_concurrency = self.limit_concurrency, None
        self._fields = self._bytes = 0
        self._buffered = 0
        self._refused = BAD_REQUEST

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, ABORT: transport.abort}
        if self._max_connections and len(self.connections) > self._max_connections:
            self.app_state[AT_CAPACITY] = True
        # uvicorn's own timer begins after the first answer.
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that is not used; to a client that takes nothing, break it off."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()  # to close it would wait until all is sent
        else:
            super().timeout_keep_alive_handler()

    def data_received(self, data: bytes) -> None:
        # One field that never ends is heard of by no callback, which would set this to zero again:
        # httptools keeps it in memory.
        self._buffered += len(data)
        super().data_received(data)
        if self._buffered > HEAD_MAX and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        self._fields = self._bytes = 0
        self._buffered = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        self._count(len(name) + len(value) + 4)  # colon, space, end of the line
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self._buffered = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._buffered = 0
        super().on_message_complete()

    def _count(self, more: int) -> None:
        self._buffered = 0
        self._bytes += more
        if self._bytes > HEAD_MAX or self._fields > HEADERS_MAX:
            self._refused = HEAD_TOO_LARGE
            raise HeadTooLargeError  # httptools stops, and uvicorn sends "400"

    def _refuse(self) -> None:
        self._refused = HEAD_TOO_LARGE
        self.send_400_response("")

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request with a problem, and close the connection."""
        response = problem(self._refused, msg or None, headers={"Connection": "close"})
        if self._refused == HEAD_TOO_LARGE:
            detail = (
                f"The head of the request is larger than {HEAD_MAX} bytes or {HEADERS_MAX} fields."
            )
            response = problem(self._refused, detail, headers={"Connection": "close"})
        lines = [STATUS_LINE[response.status_code]]
        for name, value in [*self.server_state.default_headers, *response.raw_headers]:
            lines += [name, b": ", value, b"\r\n"]
        self.transport.write(b"".join([*lines, b"\r\n", bytes(response.body)]))
        self.transport.close()
