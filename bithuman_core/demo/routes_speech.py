"""Routes of what the avatar is to say: a sound file, a text; and its video."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, StreamingResponse
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from bithuman_core.audio import AudioFile
from bithuman_core.demo.context import InDemo, OfVisitor
from bithuman_core.demo.jobs import Report
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.render_video import render_video
from bithuman_core.demo.uploads import file_name, save_body
from bithuman_core.demo.visitor import UNKNOWN_CLIP
from bithuman_core.errors import AudioError
from bithuman_core.fastrtc.clip_queue import Clip
from bithuman_core.timing import SAMPLE_RATE

router = APIRouter()

TITLE = 40  # characters of a text that become its clip's name


class Text(BaseModel):
    """What to say, and how: ``voice`` is an id of those that the visit was told, ``timbre`` "woman" or "man"."""

    text: str = Field(max_length=20_000)
    voice: str = Field(max_length=40)
    timbre: str = Field(max_length=10)


@router.post("/visit/audio")
async def upload(request: Request, context: InDemo, visit: OfVisitor) -> dict[str, Any]:
    """A sound file of any common kind becomes a clip that can be said."""
    visit.spend()
    name = file_name(request, "sound")
    path = visit.new_path(name)
    try:
        await save_body(request, path, context.limits.audio_bytes, context.limits.upload_seconds)
        samples = await context.jobs.call(partial(read_sound, path, context.limits.audio_seconds))
    except AudioError as error:
        raise Refusal(422, error.message.replace(str(path), name)) from error  # FFmpeg names the whole path
    finally:
        path.unlink(missing_ok=True)
    return _told(visit.keep_clip(name, samples))


@router.post("/visit/text")
async def speak(text: Text, context: InDemo, visit: OfVisitor) -> dict[str, Any]:
    """A text becomes a clip that can be said."""
    words = " ".join(text.text.split())
    if not words:
        raise Refusal(422, "There is nothing to say yet: write some words.")
    if len(words) > context.limits.text:
        raise Refusal(422, f"That text has {len(words)} characters, and {context.limits.text} are spoken at a time: shorten it.")
    visit.spend()
    samples = await context.speech.speak(words, text.voice, text.timbre)
    return _told(visit.keep_clip(words[:TITLE], samples))


@router.post("/visit/video/{key}")
async def film(key: str, context: InDemo, visit: OfVisitor) -> StreamingResponse:
    """The MP4 of a clip: lines of progress, then the address to fetch it from."""
    clip = visit.clips.get(key)
    if clip is None:
        raise Refusal(404, UNKNOWN_CLIP)
    context.jobs.check()
    visit.spend()
    state = visit.state.copy()
    path = visit.new_path(f"{visit.avatar.name} - {Path(clip.name).stem}.mp4".replace("/", "_"))

    def work(report: Report) -> dict[str, Any]:
        render_video(path, state, clip, report)
        return {"address": f"videos/{visit.keep_film(path)}", "name": path.name}

    return StreamingResponse(context.jobs.run(work), media_type="application/x-ndjson", headers={"X-Accel-Buffering": "no"})


@router.get("/videos/{key}")
async def download(key: str, context: InDemo) -> FileResponse:
    """A video; whoever knows its key may have it: only its visitor does."""
    path = context.visitors.film(key)
    if path is None:
        raise Refusal(404, "That video is not here any more: make it again.")
    return FileResponse(path, media_type="video/mp4", filename=path.name)


def read_sound(path: Path, longest: float) -> NDArray[np.int16]:
    """The sound of a file, int16 [n] at 16 kHz. Raises AudioError where it is none, or over ``longest`` seconds."""
    too_long = AudioError(f"{path.name!r} is longer than the {longest / 60:.0f} minutes that are taken here: cut it shorter.")
    file = AudioFile(path)
    if file.seconds > longest:
        raise too_long
    ticks, size = [], 0
    for tick in file.ticks():
        ticks.append(tick)
        size += tick.size
        if size > longest * SAMPLE_RATE:  # the file did not say how long it is
            raise too_long
    return np.concatenate(ticks)


def _told(clip: Clip) -> dict[str, Any]:
    return {"clip": clip.key, "name": clip.name, "seconds": round(clip.seconds, 2)}
