"""Avatars in LiveKit rooms, of one process with places. An order stands in its row, so that any process can go on with it."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from livekit import rtc
from ray.serve.handle import DeploymentHandle
from sqlalchemy import func, select, update
from starlette.concurrency import run_in_threadpool

from bithuman_core.cluster.avatar_files import NodeFiles
from bithuman_core.cluster.held_calls import HeldCalls
from bithuman_core.cluster.plan import LOST_SECONDS, Plan
from bithuman_core.cluster.sealing import Seal
from bithuman_core.errors import BithumanError
from bithuman_core.service.api.agents import ready
from bithuman_core.service.context import Service
from bithuman_core.service.data.tables import Live
from bithuman_core.service.errors import NoPlaces, NotFound, Unavailable
from bithuman_core.service.live import ROOM, LiveAvatar, take_over
from bithuman_core.settings import default_avatar
from bithuman_core.timing import TICK_SECONDS
from bithuman_core.worker.avatars import Wardrobe
from bithuman_core.worker.limits import WorkerLimits
from bithuman_core.worker.order import Uploads
from bithuman_core.worker.refused import Refused
from bithuman_core.worker.tasks import Status, Task, Tasks

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5  # between two looks for rooms whose process has died
WAIT_SECONDS = 2.0  # for a place of theirs: somebody looks again
AT_ONCE = 4  # rooms that a process sees to at a look
STOP = "stop"  # the message that ends a task
GONE = "There is no such task any more."


class StagedRooms:
    """The tasks of this process; and whoever is lost elsewhere is found here. stage: the handle of all processes with places."""

    def __init__(self, service: Service, plan: Plan, files: NodeFiles, stage: DeploymentHandle) -> None:
        limits = WorkerLimits(tasks=plan.places, fetch_from=plan.fetch_from)
        self._service, self._files, self._seal = service, files, Seal(service.database)
        self._stage, self._calls = stage.options(stream=True), HeldCalls()
        self._wardrobe = Wardrobe(default_avatar())
        self._tasks = Tasks(self._wardrobe, rtc.Room, limits, self._lend)
        self._tasks.measure = lambda work: service.metrics.tick(ROOM, work, late=work > TICK_SECONDS)
        self._sealed: dict[str, str] = {}  # orders, as their rows have them
        self._stopping = set[asyncio.Task[None]]()
        service.live.add(self.live)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """As long as the process runs."""
        looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.wait([looking])
            await self._tasks.stop_all()
            self._wardrobe.close()

    def live(self) -> Iterator[LiveAvatar]:
        """Those that are in a room, or on their way: their rows are this process's from the beginning."""
        for task in self._tasks:
            if not task.over and task.id in self._sealed:
                state = partial(dict, order=self._sealed[task.id])
                end = partial(self._stop, task)
                yield LiveAvatar(task.id, task.agent_code, ROOM, partial(self._tell, task), end, room=task.room_name, state=state)

    async def perform(self, number: str) -> AsyncIterator[dict[str, Any] | BithumanError]:
        """Carry out the order of a row: its card when it is in the room, or why not; then nothing until it is over."""
        try:
            order = self._seal.open(await run_in_threadpool(self._take, number))
        except BithumanError as error:
            yield error
            return
        task = self._tasks.begin(order, Uploads(), ExitStack(), number)
        try:
            await task.settled.wait()
            yield task.card() if task.status is not Status.FAILED else Refused(task.reason or GONE, task.answer)
            if task.work is not None:
                await asyncio.wait([task.work])
        finally:
            self._sealed.pop(number, None)
            await run_in_threadpool(self._end, number)

    def _take(self, number: str) -> str:
        with self._service.database.writing(brief=True) as session:
            state = take_over(session, number, self._service.name, self._service.now())
        if state is None:
            raise NotFound(GONE)
        self._sealed[number] = state["order"]
        return state["order"]

    # -- of processes that have died ----------------------------------------------------------------------------------------
    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with suppress(Unavailable):
                for number in await run_in_threadpool(self._lost):
                    task = asyncio.create_task(self._go_on(number))
                    self._stopping.add(task)
                    task.add_done_callback(self._stopping.discard)

    def _lost(self) -> list[str]:
        """Rows that nobody writes any more, and that this process is to see to from now on: nobody else does."""
        now = self._service.now()
        lost = Live.kind == ROOM, Live.ended_at.is_(None), Live.seen_at < now - LOST_SECONDS
        with self._service.database.reading() as session:
            some = select(Live.id).where(*lost).order_by(func.random()).limit(AT_ONCE)  # the others are for other processes
            found = list(session.scalars(some))
        mine = list[str]()
        for number in found:
            with self._service.database.writing(brief=True) as session:
                if take_over(session, number, self._service.name, now, *lost) is not None:
                    mine.append(number)
        return mine

    async def _go_on(self, number: str) -> None:
        """Wherever there is a place. Where there is none the row is lost again in a moment, and somebody looks again."""
        try:
            await self._calls.answer(partial(self._stage.room.remote, number), WAIT_SECONDS)
        except (NoPlaces, Unavailable) as error:
            logger.warning("A room waits for another process: %s", error.message)
        except BithumanError as error:
            logger.warning("A room is not gone on with: %s", error.message)
            await run_in_threadpool(self._end, number)

    def _end(self, number: str) -> None:
        """Write down that it is over, where it is this process's."""
        mine = update(Live).where(Live.id == number, Live.process == self._service.name)
        with suppress(Unavailable), self._service.database.writing() as session:
            session.execute(mine.values(ended_at=self._service.now()))

    # -- of the tasks -------------------------------------------------------------------------------------------------------
    def _tell(self, task: Task, kind: str, text: str) -> None:
        if kind == STOP:
            self._stop(task)
        else:
            task.messages.put_nowait((kind, text))

    def _stop(self, task: Task) -> None:
        stopping = asyncio.get_running_loop().create_task(self._tasks.stop(task))
        self._stopping.add(stopping)
        stopping.add_done_callback(self._stopping.discard)

    async def _lend(self, code: str, path: Path) -> None:
        await run_in_threadpool(self._copy, code, path)

    def _copy(self, code: str, path: Path) -> None:
        with self._service.database.reading() as session:
            model = str(ready(session, code).model)
        with self._files.lent(model) as file:
            shutil.copyfile(file, path)
