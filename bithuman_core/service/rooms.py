"""The worker inside the service: avatars in LiveKit rooms, agents of the service among them, behind its secrets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI
from livekit import rtc
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bithuman_core.errors import BithumanError
from bithuman_core.hosts import KnownHosts
from bithuman_core.service.api.access import HEADER
from bithuman_core.service.api.agents import ready
from bithuman_core.service.api.envelope import envelope
from bithuman_core.service.context import Service
from bithuman_core.service.data.tables import Agent, Live, Message
from bithuman_core.service.errors import ServiceError, Unavailable
from bithuman_core.service.secrets.scopes import Scope as Right
from bithuman_core.worker.avatars import Wardrobe
from bithuman_core.worker.limits import WorkerLimits
from bithuman_core.worker.stage import RoomFactory
from bithuman_core.worker.tasks import Status, Task, Tasks
from bithuman_core.worker.web import worker_app

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5  # between two looks for messages
PATHS = ("/launch", "/tasks", "/benchmark", "/test-frame")


class Rooms:
    """The worker's application and the avatars that are live in this process."""

    def __init__(
        self, service: Service, wardrobe: Wardrobe, limits: WorkerLimits, hosts: KnownHosts, make_room: RoomFactory = rtc.Room
    ) -> None:
        self._service = service
        self.app = worker_app(wardrobe, limits, make_room, hosts, self._lend)
        self.tasks: Tasks = self.app.state.tasks
        self._known = set[str]()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """As long as the service runs."""
        looking = asyncio.create_task(self._look())
        async with self.app.router.lifespan_context(self.app):
            yield
            looking.cancel()
        with suppress(Unavailable):
            await run_in_threadpool(self._forget, self._known)

    async def exchange(self) -> None:
        """Tell the database who is live here, and those who are live what they were sent. Raises Unavailable."""
        live = {task.id: task for task in self.tasks if task.agent_code and task.status is Status.RUNNING}
        if not live and not self._known:
            return
        told = await run_in_threadpool(self._exchange, live)
        for task_id, kind, text in told:
            live[task_id].messages.put_nowait((kind, text))

    async def _look(self) -> None:
        while True:
            try:
                await self.exchange()
            except Unavailable:  # it is asked again
                pass
            except (BithumanError, IntegrityError) as error:  # an agent was deleted in this very moment
                logger.warning("Messages for live avatars wait: %s", error)
            await asyncio.sleep(POLL_SECONDS)

    def _exchange(self, live: dict[str, Task]) -> list[tuple[str, str, str]]:
        now = self._service.now()
        self._forget(self._known - live.keys())
        with self._service.database.writing() as session:
            for task in live.values():
                row = session.get(Live, task.id)
                if row is None and session.get(Agent, task.agent_code) is None:
                    continue  # deleted while it is live: it stays in its room, and is told nothing more
                if row is None:
                    session.add(Live(id=task.id, agent_code=task.agent_code, room=task.room_name, began=now, seen=now))
                    self._known.add(task.id)
                else:
                    row.seen = now
            session.flush()
            rows = list(session.scalars(select(Message).where(Message.live_id.in_(list(live))).order_by(Message.id)))
            told = [(row.live_id, row.kind, row.text) for row in rows]
            for row in rows:
                session.delete(row)
        return told

    def _forget(self, numbers: set[str]) -> None:
        if numbers:
            with self._service.database.writing() as session:
                session.execute(delete(Live).where(Live.id.in_(list(numbers))))
            self._known -= set(numbers)

    async def _lend(self, code: str, path: Path) -> None:
        await run_in_threadpool(partial(self._fetch, code, path))

    def _fetch(self, code: str, path: Path) -> None:
        with self._service.database.reading() as session:
            model = ready(session, code).model
        self._service.storage.fetch(str(model), path)


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
