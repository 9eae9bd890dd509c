"""Routes of the avatars: their pictures, choosing one, bringing one along, making one from a photo."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from bithuman_core.demo.context import DemoContext, InDemo, OfVisitor
from bithuman_core.demo.gallery import Avatar
from bithuman_core.demo.jobs import Report
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.uploads import file_name, save_body
from bithuman_core.errors import BuildError

router = APIRouter()

LASTING = {"Cache-Control": "private, max-age=3600"}
NO_CONSENT = "Tick the box first: an avatar is made only of a person who agrees to it."


@router.post("/visit/avatar/{key}")
async def choose(key: str, visit: OfVisitor) -> dict[str, Any]:
    """Show this avatar, from now on."""
    return visit.choose(key).card()


@router.post("/visit/avatars")
async def upload(request: Request, context: InDemo, visit: OfVisitor) -> dict[str, Any]:
    """Bring an ``.imx`` file along: checked, listed for this visitor only, gone with the visit."""
    context.visitors.check_room(visit)
    visit.spend()
    name = Path(file_name(request, "avatar.imx")).stem
    path = visit.new_path(f"{name}.imx")
    with ExitStack() as undo:
        undo.callback(path.unlink, missing_ok=True)
        await save_body(request, path, context.limits.avatar_bytes, context.limits.upload_seconds)
        avatar = await context.jobs.call(partial(Avatar, path, path.parent, context.gallery.net, own=True))
        visit.add(avatar)
        undo.pop_all()  # it stays
    return avatar.card()


@router.delete("/visit/avatars/{key}", status_code=204)
async def remove(key: str, visit: OfVisitor) -> None:
    """Forget an avatar of the visitor's own."""
    visit.remove(key)


@router.post("/visit/photo")
async def from_photo(request: Request, context: InDemo, visit: OfVisitor) -> StreamingResponse:
    """Make an avatar from a photo (the body): lines of progress, then its card. Needs the header ``X-Consent: yes``."""
    build = context.build
    if build is None:
        raise Refusal(501, "This server makes no avatars from photos.")
    if request.headers.get("x-consent") != "yes":
        raise Refusal(403, NO_CONSENT)
    context.visitors.check_room(visit)
    context.jobs.check()
    visit.spend()
    name = file_name(request, "photo")
    photo = visit.new_path("photo")
    await save_body(request, photo, context.limits.photo_bytes, context.limits.upload_seconds)

    def work(report: Report) -> dict[str, Any]:
        path = visit.new_path(f"{name}.imx")
        try:
            notes = build(photo.read_bytes(), path, name, report)
        except BuildError as error:
            raise Refusal(422, sentence(error.message)) from error
        finally:
            photo.unlink(missing_ok=True)
        avatar = Avatar(path, path.parent, context.gallery.net, own=True)
        visit.add(avatar)
        return {**avatar.card(), "notes": [sentence(note) for note in notes]}

    return StreamingResponse(context.jobs.run(work), media_type="application/x-ndjson", headers={"X-Accel-Buffering": "no"})


@router.get("/avatars/{key}/still.webp")
async def still(key: str, context: InDemo) -> Response:
    """A picture. Whoever knows the key of an own avatar may see it: only its visitor does."""
    return Response(_find(context, key).still, media_type="image/webp", headers=LASTING)


@router.get("/avatars/{key}/idle.mp4")
async def film(key: str, context: InDemo) -> FileResponse:
    """A film of it idling."""
    return FileResponse(await context.jobs.call(_find(context, key).film), media_type="video/mp4", headers=LASTING)


@router.get("/avatars/{key}/file.imx")
async def download(key: str, context: InDemo) -> FileResponse:
    """The file of an own avatar."""
    avatar = _find(context, key)
    if not avatar.own:
        raise Refusal(404, "That avatar ships with the program: it is in its folder models.")
    return FileResponse(avatar.path, media_type="application/octet-stream", filename=f"{avatar.path.stem}.imx")


def _find(context: DemoContext, key: str) -> Avatar:
    avatar = context.gallery.avatars.get(key) or context.visitors.own_avatar(key)
    if avatar is None:
        raise Refusal(404, "That avatar is not here any more.")
    return avatar


def sentence(text: str) -> str:
    """A message of the builder's as a sentence of its own."""
    return text[:1].upper() + text[1:].rstrip(".") + "."
