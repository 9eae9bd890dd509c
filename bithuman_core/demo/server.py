"""The web application of the demo: the Gradio page, FastRTC's signalling, and what the stage asks for."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, redirect_stdout
from io import StringIO
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when Gradio is imported: nothing leaves the machine
# Events after which Gradio makes a table of all there were: never. It brings pandas in, and takes longer with each event.
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(2**62))

import gradio as gr
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from gradio.route_utils import GradioMultiPartParser
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from bithuman_core import __version__
from bithuman_core.clock import MonotonicClock
from bithuman_core.demo.context import Builder, DemoContext, InDemo
from bithuman_core.demo.conversation import Answering, hello, talk_parts
from bithuman_core.demo.folder import give_gradio
from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.gradio_records import RecentPages
from bithuman_core.demo.jobs import JobCancelled, Jobs
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.routes import avatars, local, presence, visitor
from bithuman_core.demo.routes.body_guard import BodyGuard
from bithuman_core.demo.routes.disk_full import no_room, without_remains
from bithuman_core.demo.routes.fault_guard import FaultGuard
from bithuman_core.demo.routes.keep_files import KeepFiles
from bithuman_core.demo.routes.queue_guard import QueueGuard
from bithuman_core.demo.routes.request_guard import RequestGuard
from bithuman_core.demo.routes.safety_headers import SafetyHeaders
from bithuman_core.demo.stage import STAGE
from bithuman_core.demo.ui.page import build_page
from bithuman_core.demo.visitors.allowance import AddressAllowances
from bithuman_core.demo.visitors.shares import Shares
from bithuman_core.demo.visitors.uploads import Uploads
from bithuman_core.demo.visitors.visitors import Visitors
from bithuman_core.demo.visitors.waiting_line import WaitingLine
from bithuman_core.errors import BithumanError
from bithuman_core.fastrtc.avatar_engine import AvatarEngine, AvatarState
from bithuman_core.fastrtc.live_session import LiveEngine
from bithuman_core.fastrtc.stream import avatar_stream
from bithuman_core.fastrtc.turn import Route
from bithuman_core.heap import keep_collections_short
from bithuman_core.hosts import KnownHosts, is_this_machine
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.intake.process import CLOSED
from bithuman_core.uploads import reading_pool
from bithuman_core.voice import TextToSpeech

logger = logging.getLogger(__name__)

GradioMultiPartParser.parse = without_remains(GradioMultiPartParser.parse)  # pyright: ignore[reportAttributeAccessIssue]

EVERY_HOST = "0.0.0.0"

health_router = APIRouter()


def make_context(
    gallery: Gallery,
    *,
    places: int,
    limits: Limits | None = None,
    build: Builder | None = None,
    make_engine: Callable[[AvatarState], LiveEngine] = AvatarEngine,
    places_each: int = 0,
    reading: ReadingPool | None = None,
    speech: TextToSpeech | None = None,
    answers: Answering | None = None,
) -> DemoContext:
    """What one demo needs.

    ``places`` is how many may be live at once, ``places_each`` of them from one address (0: all but one); ``build`` makes an
    avatar from a photo; ``make_engine`` makes the engine that shows one. ``reading`` (one of its own) reads what visitors bring,
    and is closed with the demo; ``speech`` (one of its own) reads texts; ``answers`` (a script of a few sentences)
    answers those who talk with the avatar.
    """
    limits, clock, route = limits or Limits(), MonotonicClock(), Route()
    stream = avatar_stream(
        lambda: make_engine(AvatarState(gallery.first.fixture)), visitors=places, rtc_configuration=route.configuration
    )
    line = WaitingLine(places, clock, places_each or max(places - 1, 1), limits.offer_idle)
    jobs, voice, answers = Jobs(), speech or TextToSpeech(), answers or hello()
    visitors = Visitors(stream, gallery, make_engine, limits, line, clock, talk_parts(answers, voice, jobs))
    callers = AddressAllowances(clock, limits.calls, limits.calls_per_second)
    speeches = Shares("texts", limits.speeches, limits.speeches_each)
    return DemoContext(
        gallery, stream, visitors, jobs, reading or reading_pool(), voice, route, limits, build, callers, speeches,
        hears=answers.hears,
    )  # fmt: skip


def app_options(context: DemoContext, page: gr.Blocks, host: str = EVERY_HOST, hosts: Iterable[str] = ()) -> dict[str, Any]:
    """What turns a FastAPI application into ours: its routes, middleware, and what happens at its start and end.

    ``host`` is the address that it will listen on, ``hosts`` further names that it is called by (see ``KnownHosts``).
    """
    limits, clock, pages = context.limits, MonotonicClock(), RecentPages()
    guards = (
        Middleware(SafetyHeaders),
        Middleware(RequestGuard, KnownHosts(host, hosts), limits, clock, private=is_this_machine(host)),
        Middleware(BodyGuard, limits, Uploads(limits, clock)),
        Middleware(QueueGuard, page, pages, limits),
        Middleware(FaultGuard),
        Middleware(KeepFiles, context.gallery),
    )  # fmt: skip

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.context = context
        pages.replace_those_of(page)
        await context.jobs.speak(context.speech.look)
        keep_collections_short()
        sweeping = asyncio.create_task(context.visitors.sweep())
        previewing = asyncio.create_task(context.jobs.check(context.gallery.first.idle_video))
        yield
        sweeping.cancel()
        previewing.cancel()
        await context.visitors.close_all()
        context.end_work()

    ours = APIRouter()
    for router in (visitor.router, presence.router, avatars.router, local.router, health_router):
        ours.include_router(router)
    ours.mount("/stage", StaticFiles(directory=STAGE))
    return {
        "lifespan": lifespan,
        "routes": ours.routes,
        "middleware": list(guards),
        "exception_handlers": {
            Refusal: _refused,
            BithumanError: _failed,
            RequestValidationError: _misunderstood,
            HTTPException: _no_route,
            JobCancelled: _cancelled,
            OSError: no_room,
        },
        "docs_url": None,
        "redoc_url": None,
        "openapi_url": None,
    }


def make_app(context: DemoContext, host: str = EVERY_HOST, hosts: Iterable[str] = ()) -> tuple[gr.Blocks, FastAPI]:
    """The page, and the application that mounts it; ``host`` and ``hosts`` as those of :func:`app_options`."""
    give_gradio(context.gallery.folder)  # another demo of this process may have one of its own
    demo = build_page(context)
    app = FastAPI(title="bithuman_core", **app_options(context, demo, host, hosts))
    taking_files: dict[str, Any] = {"exception_handlers": {OSError: no_room}}
    with redirect_stdout(StringIO()):  # Gradio says "new /"
        return demo, gr.mount_gradio_app(app, demo, path="/", app_kwargs=taking_files, **page_options(context))


def page_options(context: DemoContext) -> dict[str, Any]:
    """How Gradio serves the page: no upload over the largest that is taken, and what breaks tells nobody its insides."""
    return {"show_error": False, "max_file_size": context.limits.file_bytes, "mcp_server": True, "ssr_mode": False,
            "favicon_path": str(STAGE / "icon.svg")}  # fmt: skip


@health_router.get("/health")
async def health(context: InDemo) -> dict[str, Any]:
    """Whether the server runs, and how many are here."""
    visitors = context.visitors
    return {"status": "ok", "version": __version__, "live": visitors.live, "places": visitors.waiting_line.capacity,
            "waiting": visitors.waiting_line.waiting, "pages": len(visitors)}  # fmt: skip


async def _refused(_: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, Refusal)
    return JSONResponse({"error": refusal.sentence}, refusal.status, refusal.headers)


async def _no_route(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": f"That request cannot be followed: {error.detail}."}, error.status_code, error.headers)


async def _failed(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BithumanError)
    return JSONResponse({"error": error.message}, 422)


async def _cancelled(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse({"error": CLOSED}, 503)


async def _misunderstood(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse({"error": visitor.MISUNDERSTOOD}, 422)
