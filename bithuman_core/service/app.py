"""The service's web application: guards, routers, beginning and end."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bithuman_core import __version__
from bithuman_core.clock import MonotonicClock
from bithuman_core.demo.routes.body_guard import BodyGuard
from bithuman_core.demo.routes.fault_guard import FaultGuard
from bithuman_core.demo.routes.request_guard import RequestGuard
from bithuman_core.demo.visitors.uploads import Uploads
from bithuman_core.hosts import KnownHosts, is_this_machine
from bithuman_core.service.api import (
    agents,
    embed_page,
    embed_sessions,
    embedding,
    files,
    generation,
    health,
    publishing,
    secrets,
    speech,
    talking,
    validation,
    videos,
    webhooks,
)
from bithuman_core.service.api.envelope import RESPONSES, ApiAnswers, answer_errors
from bithuman_core.service.context import Service
from bithuman_core.service.metrics import Metrics

if TYPE_CHECKING:
    from bithuman_core.service.admin.page import AdminPage  # which brings Gradio along
    from bithuman_core.service.embed.visits import Embeds  # which brings FastRTC along
    from bithuman_core.service.rooms import Rooms  # which brings LiveKit along

    RoomsOf = Callable[[KnownHosts], Rooms]
    EmbedsOf = Callable[[Service], Embeds]

# generation before agents, whose /v1/agent/{code} would take it for a code
ROUTERS = (
    validation, files, generation, agents, publishing, talking, videos, speech, webhooks, embedding, embed_sessions, embed_page,
    secrets, health,
)  # fmt: skip
FOR_SITES = ("/v1/embed/", "/embed")  # what pages of other sites ask for
FILES = ("/v1/files/upload", "/v1/agent/generate", "/v1/video/generate", "/launch")  # that take files


def service_app(
    service: Service,
    host: str = "127.0.0.1",
    hosts: Iterable[str] = (),
    rooms: RoomsOf | None = None,
    embeds: EmbedsOf | None = None,
    admin: AdminPage | None = None,
) -> FastAPI:
    """Everything that the service serves.

    host: the address that it listens on; hosts: further names that it is called by; rooms: makes the worker that it has inside;
    embeds: makes the avatars for pages of other sites; admin: the page of whoever runs it.
    """
    known = KnownHosts(host, hosts)
    inside = None if rooms is None else rooms(known)
    service.embeds = None if embeds is None else embeds(service)
    parts = [part.running for part in (inside, service.embeds, admin) if part is not None]
    limits, clock = service.limits.doors, MonotonicClock()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        async with AsyncExitStack() as running:
            await running.enter_async_context(service.live.running())  # which ends last, and writes down the ends of the others
            for part in parts:
                await running.enter_async_context(part())
            yield
        await run_in_threadpool(service.close)

    app = FastAPI(
        title="bithuman_core",
        version=__version__,
        description="Avatars on your own machine.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=RESPONSES,
        middleware=[
            Middleware(ApiAnswers),
            Middleware(RequestGuard, known, limits, clock, private=is_this_machine(host), for_sites=FOR_SITES),
            Middleware(BodyGuard, limits, Uploads(limits, clock), files=FILES),
            Middleware(FaultGuard),
            Middleware(Counted, service.metrics),
        ],
    )
    app.state.service = service
    answer_errors(app)
    for family in ROUTERS:
        app.include_router(family.router)
    if inside is not None:
        from bithuman_core.service.rooms import mount

        mount(app, inside, service)
    if admin is not None:
        from bithuman_core.service.admin.page import mount as mount_page

        mount_page(app, admin)
    return app


class Counted:
    """ASGI middleware: how many requests there were, and how long they took."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def send_counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_counted)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.request(scope["method"], route, status, time.perf_counter() - began)
