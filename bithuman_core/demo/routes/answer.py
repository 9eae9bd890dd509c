"""A refusal as an answer, also where no route has seen the request yet."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from starlette.types import Scope, Send

from bithuman_core.demo.refusal import Refusal

GRADIO = "/gradio_api"
BODY = "bithuman_core.refusal_body"  # key of a scope: how another application than the page tells of a refusal


def refusal_body(refusal: Refusal, path: str) -> bytes:
    """``{"error": sentence}``; on Gradio's addresses its clients find the sentence where they look for it as well."""
    told = {"error": refusal.sentence}
    if path.startswith(GRADIO):
        told["detail"] = refusal.sentence
    return json.dumps(told).encode()


async def refuse(
    scope: Scope, send: Send, refusal: Refusal, before_closing: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Answer, and close the connection: of the request nothing more is read, unless ``before_closing`` does."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.sentence})
        return
    body = scope.get(BODY, refusal_body)(refusal, scope["path"])
    headers = {
        "content-type": "application/json", "content-length": str(len(body)), "connection": "close", **refusal.headers,
    }  # fmt: skip
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body, "more_body": before_closing is not None})
    if before_closing is not None:
        await before_closing()
        await send({"type": "http.response.body", "body": b""})
