"""``/v1/video``: videos of an agent that says a text, or speaks a sound file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi import Path as InPath
from fastapi.responses import StreamingResponse
from pydantic import AliasChoices, BaseModel, Field, field_validator, model_validator
from sqlalchemy.orm import Session

from bithuman_core.background import Background
from bithuman_core.errors import BackgroundError
from bithuman_core.service.api.access import Builder, Reader
from bithuman_core.service.api.agents import ready
from bithuman_core.service.api.bodies import Body, described, read_body
from bithuman_core.service.api.files import AS_FILE, streamed
from bithuman_core.service.api.models import Answer, Done, told
from bithuman_core.service.context import InService
from bithuman_core.service.data.identifiers import CODE_PATTERN, identifier
from bithuman_core.service.data.tables import Job
from bithuman_core.service.errors import AgentFailed, AgentProcessing, Invalid, MissingParam, NotFound
from bithuman_core.service.jobs.pictures import picture_text
from bithuman_core.service.jobs.queue import DONE, FAILED, QUEUED
from bithuman_core.service.secrets.audit import note
from bithuman_core.service.secrets.quotas import take_made

router = APIRouter(tags=["videos"])

NAMES = ("audio", "background_image")
EITHER = "A video needs something to say: send text or audio, and not both."
NO_SUCH = "There is no such video: it was deleted, or never asked for."
STATUS = {QUEUED: "processing", "running": "generating", DONE: "ready", FAILED: "failed"}

VideoId = Annotated[str, InPath(pattern=r"^[\w-]{1,40}$", examples=["video_0123456789abcdef01234567"])]


class NewVideo(BaseModel):
    """text or audio."""

    agent_code: str = Field(pattern=CODE_PATTERN, validation_alias=AliasChoices("agent_code", "agent_id", "code"))
    text: str | None = Field(None, max_length=4000)
    audio: str | None = Field(None, description="a sound file: address, base64, or the id of an uploaded file")
    voice: str = Field("", max_length=64, description="one of GET /v1/voices; left out, the first one")
    background: str | None = Field(None, max_length=32, description="photo, blur or #rrggbb")
    background_image: str | None = Field(None, description="instead a picture: address, base64, or the id of an uploaded file")

    @field_validator("background")
    @classmethod
    def _is_seen(cls, background: str | None) -> str | None:
        try:
            opaque = background is None or Background.named(background).opaque
        except BackgroundError as error:
            raise ValueError(error.message) from None
        if not opaque:
            raise ValueError("MP4 cannot be transparent; give photo, blur or #rrggbb")
        return background

    @model_validator(mode="after")
    def _is_one_background(self) -> NewVideo:
        if self.background and self.background_image:
            raise ValueError("background and background_image were both sent: send one of them")
        return self


class StartedVideo(BaseModel):
    """It is being made."""

    success: bool = True
    message: str = "Video generation started"
    video_id: str
    status: str = "processing"


class VideoCard(BaseModel):
    """A video. ``status``: processing, generating, ready or failed."""

    video_id: str
    agent_code: str
    status: str
    event_type: str
    progress: float
    error_message: str | None
    video_url: str | None
    created_at: str
    updated_at: str


async def _new_video(request: Request, service: InService, _: Builder) -> AsyncIterator[Body[NewVideo]]:
    async with read_body(request, service, NewVideo, NAMES) as body:
        yield body


@router.post("/v1/video/generate", summary="Make a video", openapi_extra=described(NewVideo, NAMES))
def generate_video(
    service: InService, holder: Builder, body: Annotated[Body[NewVideo], Depends(_new_video)]
) -> StartedVideo:
    """Up to three minutes of speech. Answers at once; the video is made in the background."""
    said, audio, now = body.said, body.files.get("audio"), service.now()
    text = (said.text or "").strip()
    if bool(text) == (audio is not None):
        raise (Invalid if text else MissingParam)(EITHER)
    with service.database.reading() as session:
        ready(session, said.agent_code)
    picture = body.files.get("background_image")
    given = {"text": text, "voice": said.voice, "background": said.background, "audio_name": audio.name if audio else None,
             "background_image": picture_text(service.reading, picture.path) if picture else None}  # fmt: skip
    with ExitStack() as belongings:
        coming = belongings.enter_context(service.storage.bringing(audio.path)) if audio else None
        session = belongings.enter_context(service.database.writing())
        ready(session, said.agent_code)
        take_made(session, holder.id, holder.per_day, now)
        job = Job(
            id=identifier("video_"), kind="video", agent_code=said.agent_code, given=given, status=QUEUED, tries=0, due=now,
            holder=None, stage="queued", share=0.0, error=None, source=service.storage.keep(session, coming) if coming else None,
            result=None, secret_id=holder.id, created=now, updated=now,
        )  # fmt: skip
        session.add(job)
        note(session, now, holder.id, "video.generate", job.id)
        number = job.id
    service.runner.wake()
    return StartedVideo(video_id=number)


@router.get("/v1/video/status/{number}", summary="How far a video is")
def video_status(request: Request, service: InService, _: Reader, number: VideoId) -> Answer[VideoCard]:
    """Ask until ``status`` is ready or failed."""
    with service.database.reading() as session:
        job = _found(session, number)
        url = str(request.url_for("download_video", number=number)) if job.status == DONE else None
        return Answer(data=VideoCard(
            video_id=job.id, agent_code=job.agent_code, status=STATUS[job.status], event_type=job.stage, progress=job.share,
            error_message=job.error, video_url=url, created_at=told(job.created), updated_at=told(job.updated),
        ))  # fmt: skip


@router.get("/v1/video/{number}/download", summary="The video (MP4)", **AS_FILE)
def download_video(service: InService, _: Reader, number: VideoId) -> StreamingResponse:
    """H.264 and AAC; its metadata says that it is synthetic."""
    with service.database.reading() as session:
        job = _found(session, number)
        if job.status == FAILED:
            raise AgentFailed(f"The video could not be made: {job.error}")
        if job.result is None:
            raise AgentProcessing(f"The video is still being made: ask GET /v1/video/status/{number} until it is ready.", retry=5)
        result = job.result
    return streamed(service.storage.open(result), "video/mp4", f"{number}.mp4")


@router.delete("/v1/video/{number}", summary="Delete a video")
def delete_video(service: InService, holder: Builder, number: VideoId) -> Done:
    """Row and file, also while it is being made."""
    with service.database.writing() as session:
        job = _found(session, number, to_change=True)
        session.delete(job)
        for sha256 in (job.source, job.result):
            service.storage.drop(session, sha256)
        note(session, service.now(), holder.id, "video.delete", number)
    return Done(message="The video was deleted.")


def _found(session: Session, number: str, *, to_change: bool = False) -> Job:
    job = session.get(Job, number, with_for_update=to_change or None)
    if job is None or job.kind != "video":
        raise NotFound(NO_SUCH)
    return job
