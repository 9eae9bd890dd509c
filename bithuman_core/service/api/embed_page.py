"""``/embed.js``, which pages of other sites load, and ``/embed/{code}``, which they show in a frame where they load none."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse, HTMLResponse

from bithuman_core.demo.stage import STAGE
from bithuman_core.service.api.agents import Code
from bithuman_core.service.context import InService
from bithuman_core.service.data.tables import Agent
from bithuman_core.service.embed import PAGE
from bithuman_core.service.errors import NotFound

router = APIRouter(include_in_schema=False)

SHARED = ("call.js", "level.js", "microphone.js", "sentences.js")  # with the service's own page
MODULES: dict[str, Path] = {file.name: file for file in sorted(PAGE.glob("*.js"))} | {name: STAGE / name for name in SHARED}
SCRIPT = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin",
          "Cache-Control": "public, max-age=300"}  # fmt: skip
ANY_SITE = "http: https:"  # which shows nothing without a token
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "


@router.get("/embed.js")
async def script() -> FileResponse:
    """The one address that a site needs to know."""
    return _module("embed.js")


@router.get("/embed/js/{name}")
async def module(name: str) -> FileResponse:
    """What it loads."""
    return _module(name)


@router.get("/embed/{code}")
def frame(service: InService, code: Code, by: Annotated[str | None, Query(max_length=10)] = None) -> Response:
    """The avatar as a page of its own, for frames. by=token: whoever frames it hands a token over; else the agent is published.

    Of an agent that is not published, or not there, nothing is told.
    """
    with service.database.reading() as session:
        agent = session.get(Agent, code)
        sites = ANY_SITE if by == "token" else " ".join(["'self'", *(agent.embed_origins if agent else ())])
    text = Template((PAGE / "frame.html").read_text("utf-8")).substitute(code=escape(code))
    return HTMLResponse(text, headers={"Content-Security-Policy": POLICY + sites, "Permissions-Policy": "camera=()"})


def _module(name: str) -> FileResponse:
    if name not in MODULES:
        raise NotFound("There is no such script.")
    return FileResponse(MODULES[name], media_type="text/javascript", headers=SCRIPT)
