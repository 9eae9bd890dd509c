"""What no request gets past, whoever asks: bodies of any size, and pages of other sites that send in a visitor's name."""

from __future__ import annotations

import json

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bithuman_core.demo.limits import MIB

SMALL = 128 * 1024  # bytes: the longest body that is no file
FILES = ("/gradio_api/upload", "/gradio_api/mcp", "/local/speak")  # addresses that take files, by the beginnings of their paths
OURS = ("/visit", "/webrtc")  # not Gradio's, whose apps may stand on other pages; /local is stricter
TOO_LARGE = "That request is larger than the {limit} that are taken here."
OTHER_SITE = "This server takes requests of its own page only."


class RequestGuard:
    """ASGI middleware. ``largest``: bytes of a file, which Gradio and the routes hold to limits of their own below it."""

    def __init__(self, app: ASGIApp, largest: int) -> None:
        self._app, self._largest = app, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a sentence: 403, 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, headers = scope["path"], {name.lower(): value for name, value in scope["headers"]}
        if path.startswith(OURS) and scope["method"] != "GET" and headers.get(b"sec-fetch-site") == b"cross-site":
            await _refuse(send, 403, OTHER_SITE)
            return
        limit = self._largest + MIB if path.startswith(FILES) else SMALL  # forms carry more than their file
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > limit:
            await _refuse(send, 413, TOO_LARGE.format(limit=f"{limit // 1024} KiB"))
            return
        left = limit

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:  # it did not say how long it is
                return {"type": "http.disconnect"}
            return message

        await self._app(scope, counted, send)


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
