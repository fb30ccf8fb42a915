"""Headers that keep a browser from doing more with an answer than it should.

https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
"""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Cache-Control": "no-store",  # a route whose answer may be kept says so itself
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
DOCS_POLICY = (
    "default-src 'none'; frame-ancestors 'none'; connect-src 'self';"
    " img-src 'self' data: https://fastapi.tiangolo.com; worker-src blob:;"
    " script-src 'unsafe-inline' https://cdn.jsdelivr.net;"
    " style-src 'unsafe-inline' https://cdn.jsdelivr.net https://fonts.googleapis.com;"
    " font-src https://fonts.gstatic.com"
)
"""What the pages that FastAPI makes for /docs and /redoc load."""

HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}
"""Not to be sent over HTTP: https://www.rfc-editor.org/rfc/rfc6797#section-7.2"""

STARTS = {"http.response.start", "websocket.http.response.start"}

RawHeaders = tuple[tuple[bytes, bytes], ...]


def _raw(headers: Mapping[str, str]) -> RawHeaders:
    """Encode once what goes out with every answer."""
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


class SecurityHeaders:
    """Adds them to every answer, errors too; what a route has set stays."""

    def __init__(self, app: ASGIApp, *, docs: bool) -> None:
        self.app = app
        headers = HEADERS | ({"Content-Security-Policy": DOCS_POLICY} if docs else {})
        secure = _raw(headers | HTTPS_ONLY)
        self._headers = {"http": _raw(headers), "https": secure, "wss": secure}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] in STARTS:
                given = message.get("headers", [])
                names = {name for name, _ in given}
                more = self._headers.get(scope["scheme"], self._headers["http"])
                missing = [header for header in more if header[0] not in names]
                message["headers"] = [*given, *missing]
            await send(message)

        await self.app(scope, receive, send_with_headers)
