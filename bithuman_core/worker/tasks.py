"""The tasks of a worker: one avatar in one room each."""

from __future__ import annotations

import asyncio
import logging
import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bithuman_core.background import Background
from bithuman_core.errors import BithumanError
from bithuman_core.files import DISK_FULL, is_full
from bithuman_core.private_folder import PrivateFolder
from bithuman_core.worker.avatars import Wardrobe
from bithuman_core.worker.download import Downloads
from bithuman_core.worker.limits import WorkerLimits
from bithuman_core.worker.order import Order, Uploads, file_name
from bithuman_core.worker.refused import Refused
from bithuman_core.worker.stage import Measure, Messages, RoomFactory, perform

logger = logging.getLogger(__name__)

PREFIX = "bithuman-worker-"

BROKE = "The task broke because of a fault of the worker; its log tells more."
STOPPED = "It was stopped."


class Status(str, Enum):
    """What a task is doing."""

    STARTING = "starting"  # loads its avatar and joins the room
    RUNNING = "running"  # is in the room
    ENDED = "ended"  # the agent left, the room closed, or it was stopped
    FAILED = "failed"


class Task:
    """An avatar on its way into a room, in it, or out of it again. The order with its token is forgotten when it ends."""

    def __init__(self, room_name: str, agent_code: str | None = None, number: str | None = None) -> None:
        self.agent_code = agent_code
        self.messages: Messages = asyncio.Queue()
        self.id = number or secrets.token_urlsafe(12)
        self.room_name = room_name
        self.status = Status.STARTING
        self.reason: str | None = None  # why it ended or failed, a sentence
        self.answer = 422  # the HTTP status of its failure
        self.created = time.time()
        self._began, self._lasted = time.monotonic(), 0.0  # the wall clock may jump
        self.settled = asyncio.Event()  # it is in the room, or will never be
        self.work: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in (Status.ENDED, Status.FAILED)

    def enter(self) -> None:
        """It is in the room."""
        self.status = Status.RUNNING
        self.settled.set()

    def leave(self, status: Status, reason: str) -> None:
        """It has ended."""
        self.status, self.reason, self._lasted = status, reason, time.monotonic() - self._began
        self.settled.set()

    def card(self) -> dict[str, Any]:
        """What clients are told: nothing of the token."""
        seconds = self._lasted if self.over else time.monotonic() - self._began
        return {"task_id": self.id, "status": self.status.value, "room_name": self.room_name, "reason": self.reason,
                "created": round(self.created, 3), "seconds": round(seconds, 1)}  # fmt: skip


Lend = Callable[[str, Path], Awaitable[None]]  # (agent's code, where its avatar file is wanted); raises BithumanError
NO_AGENTS = "This worker keeps no agents: leave agent_code out, or ask the service (bithuman-core serve)."


class Tasks:
    """Begins, finds and ends tasks."""

    def __init__(
        self, wardrobe: Wardrobe, make_room: RoomFactory, limits: WorkerLimits, lend: Lend | None = None
    ) -> None:
        """lend: what brings the avatar file of an agent of this server."""
        self._lend = lend
        self.measure: Measure = lambda work: None  # is told the work of each frame, s
        self.refused: Callable[[], None] = lambda: None  # is told of an order that found no place
        self._wardrobe, self._make_room, self._limits = wardrobe, make_room, limits
        self._downloads = Downloads(limits)
        self._pictures = Downloads(limits, "background_image_url")
        self._folder = PrivateFolder(PREFIX)
        self._all: dict[str, Task] = {}

    def __iter__(self) -> Iterator[Task]:
        return iter(list(self._all.values()))

    @property
    def live(self) -> int:
        """How many have not ended."""
        return sum(not task.over for task in self._all.values())

    def find(self, task_id: str) -> Task | None:
        """The task of this id."""
        return self._all.get(task_id)

    def begin(self, order: Order, uploads: Uploads, belongings: ExitStack, number: str | None = None) -> Task:
        """A new task; ``belongings`` (the folder of the uploads) are closed with it. number: its id, where it has one already."""
        task = Task(order.room_name, order.agent_code, number)
        self._all[task.id] = task
        task.work = asyncio.create_task(self._do(task, order, uploads, belongings))
        task.work.add_done_callback(_log_fault)
        for old in [task for task in self if task.over][: -self._limits.remembered]:
            del self._all[old.id]
        return task

    async def stop(self, task: Task) -> None:
        """End a task: its avatar has left the room on return. One that has ended stays as it is."""
        if task.work is not None and not task.work.done():
            task.work.cancel()
            await asyncio.wait([task.work])
            if not task.over:  # it was cancelled before it had begun
                task.leave(Status.ENDED, STOPPED)

    async def stop_all(self) -> None:
        """The worker ends. A room that does not let go of its avatar in time loses it with the process."""
        if stopping := [asyncio.create_task(self.stop(task)) for task in self]:
            await asyncio.wait(stopping, timeout=self._limits.leave_seconds)
        self._folder.close()

    def new_folder(self, belongings: ExitStack) -> Path:
        """A folder that goes with ``belongings``, and with the worker."""
        return Path(belongings.enter_context(tempfile.TemporaryDirectory(dir=self._folder.path)))

    async def _do(self, task: Task, order: Order, uploads: Uploads, belongings: ExitStack) -> None:
        with belongings:
            try:
                upload = uploads.avatar
                behind = await self._background(order, uploads, belongings)
                if order.avatar_image_url:
                    upload = self.new_folder(belongings) / file_name(urlsplit(order.avatar_image_url).path)
                    await self._downloads.fetch(order.avatar_image_url, upload)
                if order.avatar:
                    upload = self._wardrobe.named(order.avatar)
                if order.agent_code:
                    if self._lend is None:
                        raise Refused(NO_AGENTS)
                    upload = self.new_folder(belongings) / "agent.imx"
                    await self._lend(order.agent_code, upload)
                fixture = await self._wardrobe.load(upload, order.consent)
                why = await perform(
                    order, behind, fixture, self._make_room, self._limits, task.enter, task.messages, self.measure
                )
                task.leave(Status.ENDED, why)
            except asyncio.CancelledError:
                task.leave(Status.ENDED, STOPPED)
                raise
            except BithumanError as error:
                task.answer = getattr(error, "status", task.answer)
                task.leave(Status.FAILED, error.message)
            except OSError as error:
                if not is_full(error):
                    raise
                task.answer = 507
                task.leave(Status.FAILED, DISK_FULL)
            finally:
                if not task.over:  # what nobody foresaw: it goes on, into the log
                    task.leave(Status.FAILED, BROKE)


    async def _background(self, order: Order, uploads: Uploads, belongings: ExitStack) -> Background | None:
        """What the order's avatar stands before; None: its own. Raises BackgroundError, IntakeError, Refused."""
        picture = uploads.background
        if order.background_image_url:
            picture = self.new_folder(belongings) / "background"
            await self._pictures.fetch(order.background_image_url, picture)
        if picture is not None:
            return await self._wardrobe.background(picture)
        return None if order.background is None else Background.named(order.background)


def _log_fault(work: asyncio.Task[None]) -> None:
    if not work.cancelled() and (error := work.exception()) is not None:
        logger.error("A task broke.", exc_info=error)
