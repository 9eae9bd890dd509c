"""So many events of one address in Gradio's queue and no more, so that nobody fills it for all; tells which pages are open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
from starlette.types import ASGIApp, Receive, Scope, Send

from bithuman_core.demo.gradio_records import RecentPages, limit_events, unfinished
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.routes.while_held import while_held
from bithuman_core.demo.visitors.address import network_of_client
from bithuman_core.demo.visitors.shares import Shares

JOINS = ("/gradio_api/queue/join", "/gradio_api/call/", "/gradio_api/run/", "/gradio_api/api/")
LINE = "/gradio_api/heartbeat/"  # that a page holds open, and its name
SO_MANY = "Your network has as many jobs waiting here as one may have: wait until one is done."
RETRY = 20  # s


class QueueGuard:
    """ASGI middleware. Refuses with a sentence: 429."""

    def __init__(self, app: ASGIApp, page: gr.Blocks, pages: RecentPages, limits: Limits) -> None:
        self._app, self._page, self._pages, self._limits = app, page, pages, limits
        limit_events(page)
        self._joining = Shares("jobs", limits.connections, limits.jobs_each)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and scope["path"].startswith(LINE):
            with self._pages.opened(scope["path"].removeprefix(LINE)):
                await self._app(scope, receive, send)
            return
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(JOINS):
            await self._app(scope, receive, send)
            return
        await while_held(self._room(self._of(scope.get("client"))), self._app, scope, receive, send)

    @contextmanager
    def _room(self, address: str | None) -> Iterator[None]:
        """Room in the queue for one more of an address, counted as long as it is joining. Raises Refusal."""
        if address is not None and self._waiting(address) >= self._limits.jobs_each:
            raise Refusal(429, SO_MANY, retry=RETRY)
        with self._joining.taking(address):
            yield

    def _waiting(self, address: str) -> int:
        """Events that wait or are being worked on."""
        return sum(self._of(event.request.client) == address for event in unfinished(self._page._queue))

    def _of(self, client: Any) -> str | None:
        return network_of_client(client, own_machine=self._limits.own_machine)
