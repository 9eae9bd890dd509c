"""The line that a page keeps open while it is there: a browser closes it however the page goes, also without a goodbye."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketState

from bithuman_core.demo.context import DemoContext
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.visitors.visitor import Visitor

router = APIRouter()

SECRET_SECONDS = 10.0  # in which the page says who it is
LINES = 3  # of one page: it opens another one when it has lost the first
NOT_WANTED = 1008  # RFC 6455: policy violation


@router.websocket("/visit/presence")
async def presence(socket: WebSocket) -> None:
    """The page says its secret, and then nothing: that the line stands is the message."""
    context: DemoContext = socket.app.state.context
    await socket.accept()
    visit = await _introduced(socket, context)
    if visit is not None and visit.lines < LINES and visit.new_lines.take():
        visit.lines += 1
        try:
            await socket.receive()  # its end, or a word too many
        finally:
            visit.lines -= 1
            context.visitors.lost(visit)
    if socket.client_state is WebSocketState.CONNECTED:
        await socket.close(NOT_WANTED)


async def _introduced(socket: WebSocket, context: DemoContext) -> Visitor | None:
    """The visit of the secret that comes first; None for another one, and where none comes."""
    try:
        return context.visitors.find((await asyncio.wait_for(socket.receive(), SECRET_SECONDS)).get("text"))
    except (Refusal, asyncio.TimeoutError):
        return None
