"""Pictures of the avatars for the stage: a still, and a video of it idling."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import FileResponse

from bithuman_core.demo.context import DemoContext, InDemo
from bithuman_core.demo.gallery import Avatar
from bithuman_core.demo.refusal import Refusal

router = APIRouter()

LASTING = {"Cache-Control": "private, max-age=3600"}


@router.get("/avatars/{key}/still.webp")
async def still(key: str, context: InDemo) -> FileResponse:
    """A picture. Whoever knows the key of an own avatar may see it: only its visitor does."""
    return FileResponse(_find(context, key).still, media_type="image/webp", headers=LASTING)


@router.get("/avatars/{key}/idle.mp4")
async def idle_video(key: str, context: InDemo) -> FileResponse:
    """A video of it idling."""
    return FileResponse(await context.jobs.check(_find(context, key).idle_video), media_type="video/mp4", headers=LASTING)


def _find(context: DemoContext, key: str) -> Avatar:
    avatar = context.gallery.avatars.get(key) or context.visitors.own_avatar(key)
    if avatar is None:
        raise Refusal(404, "That avatar is not here any more.")
    return avatar
