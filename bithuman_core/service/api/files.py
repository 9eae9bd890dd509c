"""``/v1/files``: photos, clips, sounds and avatars that other calls then name by their address."""

from __future__ import annotations

import mimetypes
from collections.abc import AsyncIterator, Iterator
from pathlib import PurePath
from typing import Annotated, Any, BinaryIO
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi import Path as InPath
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from bithuman_core.service.api.access import Builder, Reader
from bithuman_core.service.api.bodies import Body, described, read_body
from bithuman_core.service.api.models import Answer, Done, told
from bithuman_core.service.context import InService
from bithuman_core.service.data.identifiers import identifier
from bithuman_core.service.data.tables import Upload
from bithuman_core.service.errors import MissingParam, NotFound
from bithuman_core.service.secrets.audit import note

router = APIRouter(tags=["files"])

PIECE = 2**16  # bytes
AVATAR_TYPE = "application/x-bithuman-imx"
TAKEN = {"image": "image", "video": "video", "audio": "audio"}  # main types of what is taken
TYPES = mimetypes.MimeTypes()  # Python's own table, the same on every system, and what it lacks
MORE_TYPES = {
    ".imx": AVATAR_TYPE, ".heic": "image/heic", ".webp": "image/webp", ".m4a": "audio/mp4", ".flac": "audio/flac",
    ".opus": "audio/ogg", ".ogg": "audio/ogg", ".mkv": "video/x-matroska", ".mov": "video/quicktime",
}  # fmt: skip
for suffix, media_type in MORE_TYPES.items():
    TYPES.add_type(media_type, suffix)
NOT_TAKEN = "{name!r} is not of a kind that is taken: send a picture, a clip, a sound or an .imx file, with its suffix."
NO_FILE = "No file came: send file_data (base64), file_url, or a form with the field file."
NO_SUCH = "There is no such file: it was deleted, or never uploaded."

BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
AS_FILE: dict[str, Any] = {
    "response_class": StreamingResponse,
    "responses": {200: {"description": "the file", "content": BINARY}},
}  # of a route that answers with a file

FileId = Annotated[str, InPath(pattern=r"^[\w-]{1,40}$", examples=["file_0123456789abcdef01234567"])]


class NewFile(BaseModel):
    """One of the three."""

    file: str | None = Field(None, description="a form's upload")
    file_url: str | None = Field(None, max_length=2048, description="where it is on the public internet")
    file_data: str | None = Field(None, description="base64")
    file_name: str | None = Field(None, max_length=200, description="with its suffix")
    file_type: str = Field("auto", max_length=32, description="accepted; the name's suffix decides")


class UploadedFile(BaseModel):
    """A file that is there for seven days, or until it is deleted."""

    id: str
    file_url: str
    file_name: str
    file_type: str
    mime_type: str
    asset_category: str
    file_size: int
    uploaded_at: str


NAMES = ("file", "file_url", "file_data")


async def _new_file(request: Request, service: InService, _: Builder) -> AsyncIterator[Body[NewFile]]:
    async with read_body(request, service, NewFile, NAMES) as body:
        yield body


@router.post("/v1/files/upload", summary="Upload a file", openapi_extra=described(NewFile, ("file",)))
def upload(
    request: Request, service: InService, holder: Builder, body: Annotated[Body[NewFile], Depends(_new_file)]
) -> Answer[UploadedFile]:
    """A picture, clip, sound or avatar: in base64, from an address, or as a form's upload."""
    file = next((body.files[name] for name in NAMES if name in body.files), None)
    if file is None:
        raise MissingParam(NO_FILE)
    name = PurePath(body.said.file_name or file.name).name
    if kind_of(name)[0] is None:
        raise HTTPException(415, NOT_TAKEN.format(name=name))
    now = service.now()
    with service.storage.bringing(file.path) as coming, service.database.writing() as session:
        row = Upload(
            id=identifier("file_"), sha256=service.storage.keep(session, coming), name=name[:200], kind=str(kind_of(name)[0]),
            size=coming.size, secret_id=holder.id, created=now,
        )  # fmt: skip
        session.add(row)
        note(session, now, holder.id, "file.upload", row.id)
    return Answer(data=_card(row, request))


@router.get("/v1/files/{number}", summary="A file's content", **AS_FILE)
def download(service: InService, _: Reader, number: FileId) -> StreamingResponse:
    """As it was uploaded."""
    with service.database.reading() as session:
        row = session.get(Upload, number)
        if row is None:
            raise NotFound(NO_SUCH)
        sha256, name, size = row.sha256, row.name, row.size
    return streamed(service.storage.open(sha256), kind_of(name)[1], name, size)


@router.delete("/v1/files/{number}", summary="Delete a file")
def delete(service: InService, holder: Builder, number: FileId) -> Done:
    """It is gone; what was made of it stays."""
    with service.database.writing() as session:
        row = session.get(Upload, number, with_for_update=True)
        if row is None:
            raise NotFound(NO_SUCH)
        session.delete(row)
        service.storage.drop(session, row.sha256)
        note(session, service.now(), holder.id, "file.delete", number)
    return Done(message="The file was deleted.")


def kind_of(name: str) -> tuple[str | None, str]:
    """(image, video, audio or avatar, or None for what is not taken; media type)."""
    found = TYPES.guess_type(name)[0] or "application/octet-stream"
    return ("avatar" if found == AVATAR_TYPE else TAKEN.get(found.partition("/")[0])), found


def streamed(file: BinaryIO, media_type: str, name: str, size: int | None = None) -> StreamingResponse:
    """A file as an answer that is saved, not shown."""
    headers = {"Content-Disposition": f"attachment; filename*=utf-8''{quote(name, safe='')}"}
    if size is not None:
        headers["Content-Length"] = str(size)
    return StreamingResponse(_pieces(file), media_type=media_type, headers=headers)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


def _card(row: Upload, request: Request) -> UploadedFile:
    url = str(request.url_for("download", number=row.id))
    return UploadedFile(
        id=row.id, file_url=url, file_name=row.name, file_type=row.kind, mime_type=kind_of(row.name)[1], asset_category=row.kind,
        file_size=row.size, uploaded_at=told(row.created),
    )  # fmt: skip
