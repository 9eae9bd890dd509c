"""Routes for the command line of the same user on the same machine: let everybody's avatar speak or play a gesture."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from bithuman_core.demo.context import DemoContext, InDemo
from bithuman_core.demo.local_key import HEADER, local_key
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.routes.uploads import file_name, save_body
from bithuman_core.demo.sound import read_clip
from bithuman_core.demo.visitors.messages import MAX_NAME
from bithuman_core.demo.visitors.visitor import Visitor

# Of requests that came through another server, or from a web page.
TRACES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via", "origin", "sec-fetch-site")
NOT_FROM_AFAR = "This is for the command line of the machine that the page runs on: use it there."
NOT_THE_USER = "The page runs as another user: use the command line as that user."
NOBODY = "Nobody is live on the page: open it in a browser and press Start."


def is_this_machine(host: str) -> bool:
    """Whether an address is of the loopback kind."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def from_here(request: Request) -> None:
    """Raises Refusal unless the user who runs the page asks, on its machine."""
    if request.client is None or not is_this_machine(request.client.host) or any(name in request.headers for name in TRACES):
        raise Refusal(403, NOT_FROM_AFAR)
    try:
        key = local_key()
    except OSError as error:
        raise Refusal(501, "The page cannot write a key into its user's cache folder: set XDG_CACHE_HOME to one.") from error
    if not secrets.compare_digest(key.encode(), request.headers.get(HEADER, "").encode()):
        raise Refusal(401, NOT_THE_USER)


router = APIRouter(prefix="/local", dependencies=[Depends(from_here)])
Which = Annotated[int | None, Query(ge=1, description="One of the live visitors, in the order in which their pages were opened.")]


class Action(BaseModel):
    """A gesture to play."""

    name: str = Field(max_length=MAX_NAME)


@router.post("/speak")
async def speak(request: Request, context: InDemo, visit: Which = None) -> dict[str, Any]:
    """A sound file (the body) is spoken on all live pages, or on one of them."""
    _live(context, visit)
    name = file_name(request, "sound")
    with tempfile.TemporaryDirectory(dir=context.gallery.folder) as folder:
        path = Path(folder) / name
        await save_body(request, path, context.limits.audio_bytes, context.limits.upload_seconds)
        clip = await read_clip(context.reading, path, context.limits.audio_seconds, "")
    visitors = _live(context, visit)  # some may have gone meanwhile
    for each in visitors:
        each.say(clip)
    return {"visits": len(visitors), "seconds": round(clip.seconds, 2)}


@router.post("/action")
async def make_engine(action: Action, context: InDemo, visit: Which = None) -> dict[str, Any]:
    """A gesture is played on all live pages whose avatar has it, or on one of them."""
    visitors = _live(context, visit)
    able = [each for each in visitors if action.name in each.state.fixture.gestures]
    if not able:
        known = sorted({gesture for each in visitors for gesture in each.state.fixture.gestures})
        raise Refusal(404, f"No avatar that is live knows the action {action.name!r}: choose one of {', '.join(known)}.")
    for each in able:
        each.perform(action.name)
    return {"visits": len(able)}


def _live(context: DemoContext, which: int | None) -> Sequence[Visitor]:
    visitors = context.visitors.on_air()
    if not visitors:
        raise Refusal(409, NOBODY)
    if which is None:
        return visitors
    if which > len(visitors):
        raise Refusal(404, f"There is no live visit {which}: they are numbered 1 to {len(visitors)}, the oldest page first.")
    return [visitors[which - 1]]
