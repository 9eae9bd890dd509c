"""The worker inside the service: avatars in LiveKit rooms, agents of the service among them, behind its secrets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI
from livekit import rtc
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bithuman_core.hosts import KnownHosts
from bithuman_core.service.api.access import HEADER
from bithuman_core.service.api.agents import ready
from bithuman_core.service.api.envelope import envelope
from bithuman_core.service.context import Service
from bithuman_core.service.errors import ServiceError
from bithuman_core.service.live import ROOM, LiveAvatar
from bithuman_core.service.secrets.scopes import Scope as Right
from bithuman_core.timing import TICK_SECONDS
from bithuman_core.worker.avatars import Wardrobe
from bithuman_core.worker.limits import WorkerLimits
from bithuman_core.worker.stage import RoomFactory
from bithuman_core.worker.tasks import Status, Task, Tasks
from bithuman_core.worker.web import worker_app

PATHS = ("/launch", "/tasks", "/benchmark", "/test-frame")


class Rooms:
    """The worker's application and the avatars that are live in this process."""

    def __init__(
        self, service: Service, wardrobe: Wardrobe, limits: WorkerLimits, hosts: KnownHosts, make_room: RoomFactory = rtc.Room
    ) -> None:
        self._service = service
        self.app = worker_app(wardrobe, limits, make_room, hosts, self._lend)
        self.tasks: Tasks = self.app.state.tasks
        self.tasks.measure = lambda work: service.metrics.tick(ROOM, work, late=work > TICK_SECONDS)
        self.tasks.refused = partial(service.metrics.refused, ROOM)
        service.metrics.places(ROOM, limits.tasks)
        service.live.add(self.live)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """As long as the service runs."""
        async with self.app.router.lifespan_context(self.app):
            yield

    def live(self) -> Iterator[LiveAvatar]:
        """The avatars in rooms."""
        for task in self.tasks:
            if task.status is Status.RUNNING:
                yield LiveAvatar(task.id, task.agent_code, ROOM, partial(_tell, task), room=task.room_name)

    async def _lend(self, code: str, path: Path) -> None:
        await run_in_threadpool(partial(self._fetch, code, path))

    def _fetch(self, code: str, path: Path) -> None:
        with self._service.database.reading() as session:
            model = ready(session, code).model
        self._service.storage.fetch(str(model), path)


def _tell(task: Task, kind: str, text: str) -> None:
    task.messages.put_nowait((kind, text))


class SecretGuard:
    """ASGI middleware: the worker's calls need a secret here, with the scope speak (to ask: read)."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        right = Right.READ if request.method == "GET" else Right.SPEAK
        try:
            await run_in_threadpool(self._service.secrets.admit, request.headers.get(HEADER) or bearer or None, right)
        except ServiceError as error:
            body = envelope(error.status, error.code, error.message)
            await JSONResponse(body, error.status, dict(error.headers))(scope, receive, send)
            return
        await self._app(scope, receive, send)


def mount(app: FastAPI, rooms: Rooms, service: Service) -> None:
    """Serve the worker's calls under their own paths; its /health and /ready are the service's."""
    guarded = cast(Any, SecretGuard(rooms.app, service))  # Starlette takes ASGI applications as endpoints, too
    for path in PATHS:
        app.router.add_route(path, guarded, include_in_schema=False)
        app.router.add_route(path + "/{rest:path}", guarded, include_in_schema=False)
