"""Close the generator of a stream that ends before it does."""

from typing import Any

from anyio import CancelScope
from starlette.responses import StreamingResponse
from starlette.types import Send

_stream_response = StreamingResponse.stream_response


async def _stream_and_close(self: StreamingResponse, send: Send) -> None:
    try:
        await _stream_response(self, send)
    finally:
        close: Any = getattr(self.body_iterator, "aclose", None)
        if close:
            with CancelScope(shield=True):  # else anyio cancels each await in it, a rollback too
                await close()


def close_streams() -> None:
    """Let every ``StreamingResponse`` close its generator.

    Starlette leaves one whose client has left, or takes nothing, to Python's garbage collector: its
    session holds a connection until then, which may be minutes.
    """
    StreamingResponse.stream_response = _stream_and_close
