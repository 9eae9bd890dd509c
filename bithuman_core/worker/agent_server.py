"""The worker as LiveKit's agent server: it takes jobs that LiveKit dispatches by load, and the jobs of workers that died."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException
from livekit.agents import AgentServer, JobContext, JobExecutorType, JobRequest
from livekit.agents.types import ATTRIBUTE_PUBLISH_ON_BEHALF
from livekit.api import LiveKitAPI, TwirpError
from livekit.protocol.room import ListRoomsRequest

from bithuman_core.errors import Failed
from bithuman_core.livekit.session import IDENTITY
from bithuman_core.worker.keeper import Keeper, LiveKitStore, Unreachable
from bithuman_core.worker.leases import Job
from bithuman_core.worker.limits import WorkerLimits
from bithuman_core.worker.order import MAX_NAME, Order, Uploads, checked_order
from bithuman_core.worker.tasks import Status, Task, Tasks

logger = logging.getLogger(__name__)

AGENT_NAME = "bithuman-avatar"
WARM = 8  # threads that wait for jobs, at most
CHECK_SECONDS = 10.0  # for LiveKit's server to answer when the worker starts


@dataclass(frozen=True)
class LiveKitServer:
    """Where to register, and with which of its keys."""

    url: str
    key: str
    secret: str
    agent_name: str = AGENT_NAME

    def api(self) -> LiveKitAPI:
        """Its calls."""
        url = self.url.replace("ws", "http", 1) if self.url.startswith("ws") else self.url
        return LiveKitAPI(url, self.key, self.secret)

    async def check(self) -> None:
        """Raises Failed where it does not answer, or does not know the key."""
        try:
            async with self.api() as livekit:
                await asyncio.wait_for(livekit.room.list_rooms(ListRoomsRequest(names=["-"])), CHECK_SECONDS)
        except TwirpError as error:
            raise Failed(f"LiveKit's server at {self.url} refuses LIVEKIT_API_KEY and _SECRET ({error.code}).") from None
        except Unreachable:
            raise Failed(f"No LiveKit server answers at {self.url}: check --livekit-url.") from None


@dataclass(frozen=True)
class Wish:
    """What a dispatch's metadata asks for, JSON: fields of POST /launch, and these two."""

    fields: dict[str, Any]
    identity: str = IDENTITY  # of the avatar
    agent: str | None = None  # whose voice it is; left out, the first agent's in the room

    @staticmethod
    def read(metadata: str) -> Wish:
        """Raises ValueError with a sentence."""
        try:
            fields = json.loads(metadata or "{}")
        except (ValueError, RecursionError):
            raise ValueError("The metadata of the dispatch is no JSON.") from None
        if not isinstance(fields, dict):
            raise ValueError("The metadata of the dispatch is no JSON object.")
        identity, agent = fields.pop("identity", IDENTITY), fields.pop("agent", None)
        for name, value in (("identity", identity), ("agent", IDENTITY if agent is None else agent)):
            if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
                raise ValueError(f"{name} of the dispatch is no name of a participant.")
        return Wish(fields, identity, agent)

    def order(self, url: str, token: str, room: str) -> Order:
        """The same as POST /launch would have it. Raises ValueError with a sentence."""
        try:
            return checked_order({**self.fields, "livekit_url": url, "livekit_token": token, "room_name": room})
        except HTTPException as error:
            raise ValueError(f"The dispatch cannot be carried out: {error.detail}") from None


class Dispatched:
    """Registers at LiveKit and begins a task for each job; the tasks are the worker's own, beside those of POST /launch."""

    def __init__(self, livekit: LiveKitServer, tasks: Tasks, limits: WorkerLimits) -> None:
        self._livekit, self._tasks, self._limits = livekit, tasks, limits
        self._jobs: dict[Job, Task] = {}
        self._loop = asyncio.get_running_loop()
        self._server = AgentServer(
            # A job is a thread that waits: its avatar lives on the event loop of all, where the avatars share what they hold.
            job_executor_type=JobExecutorType.THREAD,
            num_idle_processes=min(limits.tasks, WARM), load_fnc=self._load, load_threshold=1.0, max_retry=sys.maxsize,
            ws_url=livekit.url, api_key=livekit.key, api_secret=livekit.secret, host="127.0.0.1", port=0,
        )  # fmt: skip
        self._server.rtc_session(self._begin, agent_name=livekit.agent_name, on_request=self._answer)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take jobs."""
        async with self._livekit.api() as livekit:
            keeper = Keeper(LiveKitStore(livekit, self._livekit.agent_name), self._live)
            work = [asyncio.create_task(each) for each in (self._server.run(), keeper.run())]
            for each in work:
                each.add_done_callback(_log_fault)
            try:
                yield
            finally:
                work[1].cancel()
                await keeper.end()  # before the avatars leave: the other workers shall put them in again
                await self._tasks.stop_all()
                await self._server.aclose()
                for each in work:
                    each.cancel()
                await asyncio.wait(work)

    def _load(self) -> float:
        return min(self._tasks.live / self._limits.tasks, 1.0)

    def _live(self) -> Iterator[Job]:
        for job, task in list(self._jobs.items()):
            if task.over:
                del self._jobs[job]
            else:
                yield job

    async def _answer(self, request: JobRequest) -> None:
        """Whether this worker takes a job; a place may be gone since its load was told."""
        try:
            wish = Wish.read(request.job.metadata)
            wish.order(self._livekit.url, "checked-later", request.room.name)
        except ValueError as error:
            logger.error("%s Room: %s", error, request.room.name)
            await request.reject()
            return
        if any((job.room, job.identity) == (request.room.name, wish.identity) for job in self._live()):
            await request.reject()  # it is in its room
        elif self._tasks.live >= self._limits.tasks:
            await request.reject(terminate=False)
        else:
            on_behalf = {ATTRIBUTE_PUBLISH_ON_BEHALF: wish.agent} if wish.agent else {}
            await request.accept(identity=wish.identity, attributes=on_behalf)

    async def _begin(self, context: JobContext) -> None:
        """A job, in a thread and on an event loop of its own."""
        context._on_connect()  # or LiveKit's agents warn that nobody joins the room: the task does
        here = asyncio.get_running_loop()

        def over(_: object) -> None:
            with suppress(RuntimeError):  # the thread is gone, as it is when LiveKit ended the job first
                here.call_soon_threadsafe(context.shutdown, "the avatar's visit is over")

        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._launch(context, over), self._loop))

    async def _launch(self, context: JobContext, over: Any) -> None:
        """On the loop of all. LiveKit ends a job when its participant leaves: the task goes on, for it may be joining anew."""
        info = context._info
        wish = Wish.read(info.job.metadata)
        order = wish.order(self._livekit.url, info.token, info.job.room.name)
        task = self._tasks.begin(order, Uploads(), ExitStack())
        self._jobs[Job(order.room_name, wish.identity, info.job.metadata, info.job.dispatch_id)] = task
        assert task.work is not None
        task.work.add_done_callback(over)
        task.work.add_done_callback(lambda _: _log_failure(task))


def _log_fault(work: asyncio.Task[None]) -> None:
    if not work.cancelled() and (error := work.exception()) is not None:
        logger.error("The worker takes no jobs of LiveKit any more.", exc_info=error)


def _log_failure(task: Task) -> None:
    """Whoever dispatched it gets no answer, other than whoever launched it."""
    if task.status is Status.FAILED:
        logger.error("%s Room: %s", task.reason, task.room_name)
