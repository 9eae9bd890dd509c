"""The worker's HTTP interface. Every refusal is ``{"detail": sentence}``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, nullcontext
from functools import partial
from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from livekit import rtc

from bithuman_core import __version__
from bithuman_core.cli.bench import measure
from bithuman_core.files import DISK_FULL, is_full
from bithuman_core.hosts import KnownHosts
from bithuman_core.worker.agent_server import Dispatched, LiveKitServer
from bithuman_core.worker.avatars import CONSENT_NEEDED, Wardrobe, is_avatar_file
from bithuman_core.worker.limits import WorkerLimits
from bithuman_core.worker.order import read_order
from bithuman_core.worker.stage import RoomFactory
from bithuman_core.worker.tasks import Lend, Status, Task, Tasks


def _no_web_page(request: Request) -> None:
    """Browsers say where a request comes from: no page that happens to be open may start avatars here, or look at them."""
    if "origin" in request.headers or request.headers.get("sec-fetch-site", "none") != "none":
        raise HTTPException(403, "Web pages cannot use a worker: ask it from your own server, which holds the LiveKit keys.")


def _known_by(hosts: KnownHosts) -> Callable[[Request], None]:
    def check(request: Request) -> None:
        """A page of another site can be led to this machine under a name of that site's own, and would not be taken for one."""
        if not hosts.know(request.headers.get("host", "")):
            raise HTTPException(421, "This worker is not called that: whoever runs it can add the name with --allowed-host.")

    return check


def worker_app(
    wardrobe: Wardrobe,
    limits: WorkerLimits | None = None,
    make_room: RoomFactory = rtc.Room,
    hosts: KnownHosts | None = None,
    lend: Lend | None = None,
    livekit: LiveKitServer | None = None,
) -> FastAPI:
    """Everything that a worker serves; ``make_room`` makes the connection of a task, ``hosts`` are the names it answers to.

    ``lend`` brings the avatars of agents; ``livekit``: takes jobs dispatched there. Its tasks are in ``app.state.tasks``.
    """
    limits = limits or WorkerLimits()
    tasks = Tasks(wardrobe, make_room, limits, lend)
    measuring = asyncio.Lock()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with nullcontext() if livekit is None else Dispatched(livekit, tasks, limits).running():
            yield
        await tasks.stop_all()
        wardrobe.close()

    app = FastAPI(
        title="bithuman_core worker", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None,
        dependencies=[Depends(_known_by(hosts or KnownHosts("127.0.0.1"))), Depends(_no_web_page)],
    )  # fmt: skip

    app.state.tasks = tasks

    @app.exception_handler(OSError)
    async def no_room(_: Request, error: OSError) -> JSONResponse:
        """507 where the disk is full; any other error goes on."""
        if is_full(error):
            return JSONResponse({"detail": DISK_FULL}, 507)
        raise error

    def task_of(task_id: str) -> Task:
        task = tasks.find(task_id)
        if task is None:
            raise HTTPException(404, "There is no such task: GET /tasks lists them.")
        return task

    def check_room() -> None:
        if tasks.live >= limits.tasks:
            tasks.refused()
            raise HTTPException(
                503, f"All {limits.tasks} places are taken: stop a task, or start a worker with a higher --max-tasks."
            )

    @app.post("/launch")
    async def launch(request: Request, response: Response) -> dict[str, Any]:
        """Put an avatar into a room."""
        check_room()
        with ExitStack() as belongings:
            order, uploads = await read_order(request, limits, tasks.new_folder(belongings))
            if uploads.avatar is not None and not is_avatar_file(uploads.avatar) and not order.consent:
                raise HTTPException(403, CONSENT_NEEDED)
            check_room()  # others came during the upload
            task = tasks.begin(order, uploads, belongings.pop_all())
        if order.async_mode:
            response.status_code = 202
            return {"status": "accepted", "task_id": task.id, "room_name": task.room_name}
        await task.settled.wait()
        if task.status is Status.FAILED:
            raise HTTPException(task.answer, task.reason)
        return {"status": task.status.value, "task_id": task.id, "room_name": task.room_name}

    @app.get("/health")
    async def health() -> dict[str, Any]:
        """The process answers."""
        return {"status": "ok", "version": __version__, "tasks": tasks.live}

    @app.get("/ready")
    async def ready(response: Response) -> dict[str, Any]:
        """Whether another task can begin: 200, else 503 (for load balancers)."""
        free = limits.tasks - tasks.live
        response.status_code = 200 if free > 0 else 503
        return {"status": "ready" if free > 0 else "full", "tasks": tasks.live, "free": max(free, 0)}

    @app.get("/tasks")
    async def listed() -> dict[str, Any]:
        """All tasks that live, and the last ones that have ended."""
        return {"tasks": [task.card() for task in tasks]}

    @app.get("/tasks/{task_id}")
    async def one(task_id: str) -> dict[str, Any]:
        """One task."""
        return task_of(task_id).card()

    @app.post("/tasks/{task_id}/stop")
    async def stop(task_id: str) -> dict[str, Any]:
        """End a task; the avatar has left the room when this answers."""
        task = task_of(task_id)
        await tasks.stop(task)
        return task.card()

    @app.post("/benchmark")
    async def benchmark() -> dict[str, Any]:
        """Measure this machine, as ``bithuman-core bench`` does."""
        if tasks.live or measuring.locked():
            raise HTTPException(409, "The worker is busy, and measuring would disturb the avatars: try again when it is idle.")
        async with measuring:
            work = partial(measure, wardrobe.path, limits.benchmark_seconds)
            return await asyncio.get_running_loop().run_in_executor(None, work)

    @app.get("/test-frame")
    async def test_frame() -> Response:
        """A picture of the worker's avatar, JPEG."""
        picture = await asyncio.get_running_loop().run_in_executor(None, wardrobe.test_frame)
        return Response(picture, media_type="image/jpeg")

    return app
