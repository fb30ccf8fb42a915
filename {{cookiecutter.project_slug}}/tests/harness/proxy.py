"""A proxy between the service and PostgreSQL: it counts round trips, and can go silent."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Self

from sqlalchemy import URL


class Proxy:
    """Passes on what it gets, until it is silenced."""

    def __init__(self, target: URL, port: int = 0) -> None:
        self._target = target
        self._speaking = asyncio.Event()
        self._speaking.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._clients: set[StreamWriter] = set()
        self.port = port
        self.round_trips = 0
        """How often the client has spoken since the server last did."""

    @classmethod
    @asynccontextmanager
    async def to(cls, target: URL) -> AsyncGenerator[Self]:
        proxy = cls(target)
        async with proxy.listening():
            yield proxy

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[None]:
        """Take connections while the block runs; before and after it, they are refused."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self.cut()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> URL:
        """The database, by way of this proxy."""
        query = {name: value for name, value in self._target.query.items() if name != "host"}
        return self._target.set(host="127.0.0.1", port=self.port, query=query)

    def silence(self) -> None:
        """Keep all connections open, and pass nothing on."""
        self._speaking.clear()

    def heal(self) -> None:
        """Pass on again, also what was held back."""
        self._speaking.set()

    def forget(self) -> None:
        """Pass nothing on for those connections that there are, whatever comes later."""
        self._speaking.clear()
        self._speaking = asyncio.Event()
        self._speaking.set()

    def cut(self) -> None:
        """Close all connections."""
        for task in self._tasks:
            task.cancel()

    def say_goodbye(self) -> None:
        """Tell the clients that their backends are terminated, a moment before they are."""
        fields = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"
        for client in self._clients:
            client.write(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)

    async def _serve(self, client: StreamReader, to_client: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._clients.add(to_client)
        with suppress(asyncio.CancelledError, OSError):  # the streams' own callback would log it
            async with AsyncExitStack() as stack:
                stack.callback(to_client.close)
                server, to_server = await self._connect()
                stack.callback(to_server.close)
                await self._pass_between((client, to_client), (server, to_server))
        self._tasks.discard(task)
        self._clients.discard(to_client)

    async def _connect(self) -> tuple[StreamReader, StreamWriter]:
        host = self._target.query.get("host") or self._target.host or "127.0.0.1"
        port = self._target.port or 5432
        if isinstance(host, str) and host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(str(host), port)

    async def _pass_between(
        self, client: tuple[StreamReader, StreamWriter], server: tuple[StreamReader, StreamWriter]
    ) -> None:
        speaking = self._speaking
        waiting = False  # for the server

        async def pass_on(source: StreamReader, target: StreamWriter, *, asks: bool) -> None:
            nonlocal waiting
            while data := await source.read(65536):
                await speaking.wait()
                self.round_trips += asks and not waiting
                waiting = asks
                target.write(data)
                await target.drain()

        ways = (
            asyncio.ensure_future(pass_on(client[0], server[1], asks=True)),
            asyncio.ensure_future(pass_on(server[0], client[1], asks=False)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
