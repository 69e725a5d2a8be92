"""What every answer passes: only local names may ask, and the browser may run only our files."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

# Plotly writes style attributes into its SVG, so styles may be inline; scripts may not.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def local_name(host: str) -> bool:
    """Whether a Host header names this machine; a rebound DNS name does not.

    Examples
    --------
    >>> local_name("localhost:8080"), local_name("[::1]:80"), local_name("evil.example"), local_name("127.0.0.1.evil")
    (True, True, False, False)
    """
    name, colon, port = host.lower().rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host.lower(), ""
    return name in LOCAL_NAMES and (port.isdecimal() or not port)


class Guards:
    """ASGI middleware: refuses foreign Host headers and adds the security headers.

    Parameters
    ----------
    app
        What answers the requests that pass.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        host = Headers(scope=scope).get("host", "")
        if local_name(host):
            await self._app(scope, receive, send_guarded)
            return
        refusal = PlainTextResponse(
            "This page answers only to 127.0.0.1 and localhost. Open it by one of these names.\n", status_code=421
        )
        await refusal(scope, receive, send_guarded)
