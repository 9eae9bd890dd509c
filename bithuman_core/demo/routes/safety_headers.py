"""What every answer says about safety."""

from __future__ import annotations

import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bithuman_core.demo.routes.start_page import OURS, own_page

# Only our own files and Gradio's, no other host. Gradio's components carry styles of their own in the page. Pictures from blobs
# are what the visitor chose. Hugging Face shows a Space in a frame on its own page. Scripts in the page need the nonce.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'nonce-{nonce}'",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "img-src 'self' blob: data:",
        "media-src 'self' blob: data:",
        "connect-src 'self' blob: data:",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self' https://huggingface.co",
    )
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(self), picture-in-picture=(self), fullscreen=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
}

class SafetyHeaders:
    """ASGI middleware that adds them; and that nothing is used again unasked, unless the answer says so.

    head: what ends the head of a page of Gradio's. policy: the content security policy, with ``{nonce}`` where scripts need it.
    """

    def __init__(self, app: ASGIApp, head: bytes = OURS, policy: str = POLICY) -> None:
        self._app, self._head, self._policy = app, head, policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        nonce, start, page = secrets.token_urlsafe(16), None, b""

        async def send_safely(message: Message) -> None:
            nonlocal start, page
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers["Content-Security-Policy"] = self._policy.format(nonce=nonce)
                headers.setdefault("Cache-Control", "no-cache")
                if headers.get("content-type", "").startswith("text/html"):
                    start = message
                    return
            elif start is not None:
                page += message.get("body", b"")
                if message.get("more_body"):
                    return
                page = own_page(page, nonce, self._head)
                MutableHeaders(scope=start)["content-length"] = str(len(page))
                await send(start)
                message = {**message, "body": page}
            await send(message)

        await self._app(scope, receive, send_safely if scope["type"] == "http" else send)
