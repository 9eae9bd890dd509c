"""The web application of the demo: the page, FastRTC's signalling, and what the page asks for."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from string import Template
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when FastRTC imports Gradio: nothing leaves the machine

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from bithuman_core import __version__
from bithuman_core.clock import MonotonicClock
from bithuman_core.demo import routes_avatars, routes_local, routes_presence, routes_speech
from bithuman_core.demo import routes_visitor as routes_visit
from bithuman_core.demo.context import Builder, DemoContext
from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.jobs import Jobs
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.safety_headers import SafetyHeaders
from bithuman_core.demo.visitors import Visitors
from bithuman_core.demo.waiting_line import WaitingLine
from bithuman_core.errors import BithumanError
from bithuman_core.fastrtc.avatar_engine import AvatarEngine, AvatarState
from bithuman_core.fastrtc.live_session import LiveEngine
from bithuman_core.fastrtc.stream import avatar_stream
from bithuman_core.fastrtc.turn import Route
from bithuman_core.voice import TextToSpeech

logger = logging.getLogger(__name__)

HEALTH = "/health"


def avatar_app(
    gallery: Gallery,
    *,
    places: int,
    files: Path,
    limits: Limits | None = None,
    build: Builder | None = None,
    make_engine: Callable[[AvatarState], LiveEngine] = AvatarEngine,
) -> FastAPI:
    """Everything that is served.

    ``places`` is how many may be live at once; ``files`` the folder with ``page.html`` and what it loads; ``build`` makes an
    avatar from a photo; ``make_engine`` makes the engine that plays a state.
    """
    limits, clock, route = limits or Limits(), MonotonicClock(), Route()
    stream = avatar_stream(
        lambda: make_engine(AvatarState(gallery.first.fixture)), visitors=places, rtc_configuration=route.configuration
    )
    visitors = Visitors(stream, gallery, make_engine, limits, WaitingLine(places, clock), clock)
    context = DemoContext(gallery, stream, visitors, Jobs(limits.jobs_waiting), TextToSpeech(), route, limits, build)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await context.speech.look()
        # What is there now stays. Set aside, it makes every later garbage collection short: no picture comes late for one.
        gc.collect()
        gc.freeze()
        sweeping = asyncio.create_task(visitors.sweep())
        filming = asyncio.create_task(context.jobs.call(gallery.first.film))
        yield
        sweeping.cancel()
        filming.cancel()
        await visitors.close_all()
        context.jobs.close()

    app = FastAPI(title="bithuman_core", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.context = context
    app.add_middleware(SafetyHeaders)
    for routes in (routes_visit, routes_presence, routes_avatars, routes_speech, routes_local):
        app.include_router(routes.router)
    app.exception_handler(Refusal)(_refused)
    app.exception_handler(BithumanError)(_failed)
    app.exception_handler(RequestValidationError)(_misunderstood)
    page = page_html(files, gallery)

    @app.get("/", response_class=HTMLResponse)
    async def index() -> str:
        return page

    @app.get(HEALTH)
    async def health() -> dict[str, Any]:
        return {"status": "ok", "version": __version__, "live": visitors.live, "places": places,
                "waiting": visitors.places.waiting, "pages": len(visitors)}  # fmt: skip

    app.mount("/page", StaticFiles(directory=files))
    return app


def page_html(files: Path, gallery: Gallery) -> str:
    """The page with its first avatar in it, so that there is something to see before any script runs."""
    card = gallery.first.card()
    width, height = card["size"]
    return Template((files / "page.html").read_text("utf-8")).substitute(
        name=escape(card["name"]), key=escape(card["key"]), width=width, height=height
    )


async def _refused(_: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, Refusal)
    return JSONResponse({"error": refusal.sentence}, refusal.status)


async def _failed(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BithumanError)
    return JSONResponse({"error": error.message}, 422)


async def _misunderstood(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse({"error": "The server did not understand this page: reload it."}, 422)
