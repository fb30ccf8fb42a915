"""Counts round trips on PostgreSQL's socket, by standing in between.

A round trip is a turn of the conversation: the client says something after the server did, and waits.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

SOCKET = ".s.PGSQL.5432"


class Wire:
    def __init__(self, server: Path, folder: Path) -> None:
        self.folder = folder
        self.turns = 0
        self._server = str(server / SOCKET)

    @classmethod
    @contextmanager
    def to(cls, server: Path) -> Generator["Wire"]:
        """Listen in a folder of its own, from a thread of its own, while the block runs."""
        loop = asyncio.new_event_loop()
        thread = Thread(target=loop.run_forever)
        with TemporaryDirectory(prefix="wire-", dir="/tmp") as folder:
            wire = cls(server, Path(folder))
            thread.start()
            listening = asyncio.start_unix_server(wire._serve, f"{folder}/{SOCKET}")
            entrance = asyncio.run_coroutine_threadsafe(listening, loop).result()
            try:
                yield wire
            finally:
                loop.call_soon_threadsafe(entrance.close)
                asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result()
                loop.call_soon_threadsafe(loop.stop)
                thread.join()
                loop.close()

    async def _serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        server, questions = await asyncio.open_unix_connection(self._server)
        answered = asyncio.Event()
        answered.set()
        try:
            await asyncio.gather(
                self._ask(client, questions, answered), self._answer(server, answers, answered)
            )
        except asyncio.CancelledError:
            pass  # else a stream of asyncio's complains at the end
        finally:
            questions.close()
            answers.close()

    async def _ask(
        self, client: asyncio.StreamReader, server: asyncio.StreamWriter, answered: asyncio.Event
    ) -> None:
        while said := await client.read(65536):
            if answered.is_set():
                answered.clear()
                self.turns += 1
            server.write(said)
        server.write_eof()

    async def _answer(
        self, server: asyncio.StreamReader, client: asyncio.StreamWriter, answered: asyncio.Event
    ) -> None:
        while said := await server.read(65536):
            answered.set()
            client.write(said)
        client.write_eof()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # a transport closes in the loop's next turn
