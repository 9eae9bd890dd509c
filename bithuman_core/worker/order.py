"""What POST /launch asks for, read from JSON or a multipart form and checked before anything is done with it."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from bithuman_core.background import Background
from bithuman_core.files import end_in_bytes
from bithuman_core.worker.download import checked_url
from bithuman_core.worker.limits import MIB, WorkerLimits

MAX_NAME = 256  # characters
MAX_FILE_NAME = 120  # bytes: file systems take 255, and a suffix may follow
INSTEAD = {
    "avatar_image": ("avatar", "agent_code", "avatar_image_url"),
    "background_image": ("background", "background_image_url"),
}  # fields of uploads: what cannot be sent beside them
HOW = "send JSON or a multipart form with livekit_url, livekit_token and room_name."


class Uploads(NamedTuple):
    """The files of an order that came with it."""

    avatar: Path | None = None
    background: Path | None = None


class Order(BaseModel):
    """Who joins which room. ``consent`` says who agreed to an avatar of the person in the photo; ``background`` and
    ``background_image_url``: what it stands before."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    livekit_url: str = Field(min_length=1, max_length=2048)
    livekit_token: SecretStr = Field(min_length=1)
    room_name: str = Field(min_length=1, max_length=MAX_NAME)
    async_mode: bool = False
    avatar_image_url: str | None = Field(None, max_length=2048, repr=False)  # it may be signed
    avatar: str | None = Field(None, pattern=r"^[\w-]{1,64}$")  # one that the worker keeps, by its name
    again: bool = False  # in the place of one that broke off: its agent is told that the sentence ended
    audio_of: str | None = Field(None, min_length=1, max_length=MAX_NAME)  # whose track it speaks, in place of an agent's stream
    agent_code: str | None = Field(None, max_length=64)  # of an avatar that the server keeps (bithuman_core.service)
    consent: str | None = Field(None, max_length=2000)
    background: str | None = Field(None, max_length=32)  # photo, blur, #rrggbb
    background_image_url: str | None = Field(None, max_length=2048, repr=False)

    @model_validator(mode="after")
    def _is_one_of_each(self) -> Order:
        if len(avatars := [name for name in ("avatar", "agent_code", "avatar_image_url") if getattr(self, name)]) > 1:
            raise ValueError(f"{avatars[0]} and {avatars[1]} were both sent: send one of them")
        if self.background and self.background_image_url:
            raise ValueError("background and background_image_url were both sent: send one of them")
        return self

    @field_validator("livekit_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("ws", "wss", "http", "https") or not parts.hostname or parts.username is not None:
            raise ValueError("is not a plain ws(s):// or http(s):// address")
        return url

    @field_validator("avatar_image_url", "background_image_url")
    @classmethod
    def _can_be_fetched(cls, url: str | None) -> str | None:
        return str(checked_url(url)) if url else None

    @field_validator("background")
    @classmethod
    def _is_seen(cls, background: str | None) -> str | None:
        if background is not None and not Background.named(background).opaque:
            raise ValueError("LiveKit's video cannot be transparent; give photo, blur or #rrggbb")
        return background

    @field_validator("livekit_token")
    @classmethod
    def _is_ascii(cls, token: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[!-~]+", token.get_secret_value()):
            raise ValueError("holds characters that no token has")
        return token


async def read_order(request: Request, limits: WorkerLimits, folder: Path) -> tuple[Order, Uploads]:
    """The order of a request, and its uploads as files in ``folder``.

    Raises HTTPException with one sentence: 400 broken off, 408 too slow, 413 too large, 415 neither JSON nor a form, 422 wrong.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    counted = _counted(request, limits.upload_bytes if kind == "multipart/form-data" else limits.field_bytes)
    try:
        if kind == "multipart/form-data":
            return await asyncio.wait_for(_from_form(counted, limits, folder), limits.upload_seconds)
        if kind != "application/json":
            raise HTTPException(415, f"The request is neither JSON nor a multipart form: {HOW}")
        return _checked(Order.model_validate_json, await asyncio.wait_for(counted.body(), limits.upload_seconds)), Uploads()
    except asyncio.TimeoutError:
        raise HTTPException(408, "The upload took too long: try again on a faster connection.") from None
    except ClientDisconnect:
        raise HTTPException(400, "The upload broke off: try again.") from None
    except FormParserError:
        raise HTTPException(422, f"The form cannot be read: {HOW}") from None


async def _from_form(request: Request, limits: WorkerLimits, folder: Path) -> tuple[Order, Uploads]:
    # Most of what Starlette does not understand of a form is an HTTPException of its own, with a sentence.
    async with request.form(max_files=len(Uploads._fields), max_fields=20, max_part_size=limits.field_bytes) as form:
        order = _checked(Order.model_validate, {name: value for name, value in form.items() if isinstance(value, str) and value})
        for name, others in INSTEAD.items():
            both = next((other for other in others if getattr(order, other)), None)
            if both and _upload(form, name):
                raise HTTPException(422, f"{name} and {both} were both sent: send one of them.")
        return order, Uploads(*[await _saved(_upload(form, name), folder) for name in INSTEAD])


def _upload(form: FormData, name: str) -> UploadFile | None:
    upload = form.get(name)
    return upload if isinstance(upload, UploadFile) and upload.size else None


async def _saved(upload: UploadFile | None, folder: Path) -> Path | None:
    if upload is None:
        return None
    path = Path(tempfile.mkdtemp(dir=folder)) / file_name(upload.filename or "")
    with path.open("wb") as file:
        while piece := await upload.read(MIB):
            file.write(piece)
    return path


def file_name(given: str) -> str:
    """A file's name as a client says it, without folders and oddities, of MAX_FILE_NAME bytes at most."""
    name = re.sub(r"[^\w .()-]", "_", given.replace("\\", "/").rsplit("/", 1)[-1])
    return end_in_bytes(name.strip(" ."), MAX_FILE_NAME).strip(" .") or "avatar"


def checked_order(fields: dict[str, Any]) -> Order:
    """The order of these fields. Raises HTTPException with one sentence."""
    return _checked(Order.model_validate, fields)


def _checked(validate: Callable[[Any], Order], content: Any) -> Order:
    try:
        order = validate(content)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, fault["loc"])) or "The request"
        raise HTTPException(422, f"{where}: {fault['msg'].removeprefix('Value error, ')}; {HOW}") from None
    return order


def _counted(request: Request, limit: int) -> Request:
    """The same request, cut off with 413 when its body grows over ``limit`` bytes."""
    size = 0

    async def receive() -> Message:
        nonlocal size
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise HTTPException(413, f"The request is larger than the {limit / MIB:.3g} MiB that are taken: send less.")
        return message

    return Request(request.scope, receive)
