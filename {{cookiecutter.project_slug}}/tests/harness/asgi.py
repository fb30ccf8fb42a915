"""A client of an ASGI application for what httpx cannot say: WebSockets, and a client that stalls."""

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Scope


def websocket_scope(path: str, **more: Any) -> Scope:
    """Describe the handshake of a WebSocket."""
    return {
        "type": "websocket",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"test")],
        "subprotocols": [],
        "scheme": "ws",
        "extensions": {"websocket.http.response": {}},
        "state": {},
        **more,
    }


async def websocket(app: ASGIApp, path: str, *sent: str, **more: Any) -> list[Message]:
    """Open a WebSocket, send these texts, leave, and return what the application sent."""
    said: asyncio.Queue[Message] = asyncio.Queue()
    said.put_nowait({"type": "websocket.connect"})
    for text in sent:
        said.put_nowait({"type": "websocket.receive", "text": text})
    said.put_nowait({"type": "websocket.disconnect", "code": 1001})
    heard: list[Message] = []

    async def send(message: Message) -> None:
        heard.append(message)

    await app(websocket_scope(path, **more), said.get, send)
    return heard
