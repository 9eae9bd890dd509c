"""``/launch`` and ``/tasks`` of a cluster: avatars in LiveKit rooms, wherever there is a place."""

from __future__ import annotations

import asyncio
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from ray.serve.handle import DeploymentHandle
from sqlalchemy import delete, select
from starlette.concurrency import run_in_threadpool

from bithuman_core.cluster.held_calls import HeldCalls
from bithuman_core.cluster.rooms import STOP
from bithuman_core.cluster.sealing import Seal
from bithuman_core.errors import BithumanError
from bithuman_core.service.api.access import Reader, Speaking
from bithuman_core.service.api.agents import ready
from bithuman_core.service.context import Service
from bithuman_core.service.data.identifiers import identifier
from bithuman_core.service.data.tables import Live, Message
from bithuman_core.service.errors import NotFound
from bithuman_core.service.live import ROOM, is_live
from bithuman_core.worker.limits import WorkerLimits
from bithuman_core.worker.order import Order, read_order

LISTED = 100  # tasks, the newest
NO_FILES = "A cluster keeps its avatars: make an agent of the file (POST /v1/agent/generate), then send its agent_code."
NO_TASK = "There is no such task: GET /tasks lists them."


class Launches:
    """Of one process that answers requests. stage: the handle of those with places."""

    def __init__(self, service: Service, stage: DeploymentHandle) -> None:
        self._service, self._stage, self._calls = service, stage.options(stream=True), HeldCalls()
        self._limits = WorkerLimits(fetch_from=service.limits.fetch_from)
        self._seal: Seal | None = None
        self._going_on = set[asyncio.Task[Any]]()
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/launch", self.launch, methods=["POST"])
        self.router.add_api_route("/tasks", self.tasks, methods=["GET"])
        self.router.add_api_route("/tasks/{number}", self.task, methods=["GET"])
        self.router.add_api_route("/tasks/{number}/stop", self.stop, methods=["POST"])

    async def launch(self, request: Request, response: Response, holder: Speaking) -> dict[str, Any]:
        """Put an avatar into a room. From the moment that it is accepted it is in the database, and goes on whoever dies."""
        with tempfile.TemporaryDirectory() as folder:
            order, uploads = await read_order(request, self._limits, Path(folder))
        if any(uploads):
            raise HTTPException(422, NO_FILES)
        number = identifier("task_")
        await run_in_threadpool(self._accept, number, order)
        going_on = asyncio.create_task(self._carry_out(number))
        self._going_on.add(going_on)
        going_on.add_done_callback(self._going_on.discard)
        if order.async_mode:
            response.status_code = 202
            return {"status": "accepted", "task_id": number, "room_name": order.room_name}
        card = await asyncio.shield(going_on)
        if isinstance(card, BithumanError):
            raise card
        return {"status": card["status"], "task_id": number, "room_name": order.room_name}

    def tasks(self, holder: Reader) -> dict[str, Any]:
        """Those that live, and the last ones that have ended."""
        with self._service.database.reading() as session:
            rows = session.scalars(select(Live).where(Live.kind == ROOM).order_by(Live.started_at.desc()).limit(LISTED))
            return {"tasks": [self._card(row) for row in rows]}

    def task(self, holder: Reader, number: str) -> dict[str, Any]:
        """One of them."""
        with self._service.database.reading() as session:
            return self._card(_found(session.get(Live, number)))

    def stop(self, holder: Speaking, number: str) -> dict[str, Any]:
        """End one: its process is told within a second."""
        now = self._service.now()
        with self._service.database.writing() as session:
            row = _found(session.get(Live, number))
            if session.scalar(select(Live.id).where(Live.id == number, is_live(now))) is not None:
                session.add(Message(live_id=number, kind=STOP, text="", created=now))
            return self._card(row)

    def _accept(self, number: str, order: Order) -> None:
        self._seal = self._seal or Seal(self._service.database)
        now = self._service.now()
        with self._service.database.writing() as session:
            if order.agent_code:
                ready(session, order.agent_code)
            session.add(
                Live(
                    id=number, agent_code=order.agent_code, kind=ROOM, room=order.room_name, process=self._service.name,
                    started_at=now, seen_at=now, state={"order": self._seal.close(order)},
                )
            )  # fmt: skip

    async def _carry_out(self, number: str) -> dict[str, Any] | BithumanError:
        """Its card, or why it cannot be; then it is not accepted any more."""
        try:
            return await self._calls.answer(partial(self._stage.room.remote, number))
        except BithumanError as error:
            await run_in_threadpool(self._forget, number)
            return error

    def _forget(self, number: str) -> None:
        with self._service.database.writing() as session:
            session.execute(delete(Live).where(Live.id == number))

    def _card(self, row: Live) -> dict[str, Any]:
        over = row.ended_at is not None
        seconds = (row.ended_at if row.ended_at is not None else self._service.now()) - row.started_at
        return {"task_id": row.id, "status": "ended" if over else "running", "room_name": row.room, "reason": None,
                "created": round(row.started_at, 3), "seconds": round(seconds, 1)}  # fmt: skip


def _found(row: Live | None) -> Live:
    if row is None or row.kind != ROOM:
        raise NotFound(NO_TASK)
    return row
