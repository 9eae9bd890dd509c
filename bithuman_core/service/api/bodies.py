"""Bodies that are JSON or a multipart form, and the files in them: as uploads, in base64, or at an address."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import unquote, urlsplit

from fastapi import HTTPException
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import Request

from bithuman_core.demo.limits import MIB
from bithuman_core.demo.routes.body_guard import too_large
from bithuman_core.service.api.envelope import wrong_parameter
from bithuman_core.service.context import Service
from bithuman_core.service.data.tables import Upload
from bithuman_core.service.errors import Invalid, MissingParam, NotFound, Unreadable
from bithuman_core.worker.order import file_name

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
OWN_FILE = re.compile(r"(?:https?://[^/]+/v1/files/)?(file_[0-9a-f]{24})", re.ASCII)
DATA_URL = re.compile(r"data:(?P<type>[\w.+/-]*)(?:;[\w=.+-]+)*;base64,", re.ASCII)
NEITHER = "The body is neither JSON nor a multipart form: send one of them."
NO_BASE64 = "{name}: that is no base64, no address and no file that was uploaded here."
FORM_BYTES = MIB  # of one text field


@dataclass(frozen=True, slots=True)
class File:
    """A file that came with a request: where it lies while the request is answered, and what it was called."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Body(Generic[M]):
    """What a request says, and the files that it brings along, by the names of their fields."""

    said: M
    files: dict[str, File] = field(default_factory=dict)


@asynccontextmanager
async def read_body(request: Request, service: Service, model: type[M], names: tuple[str, ...]) -> AsyncIterator[Body[M]]:
    """The body of a request. names: fields of the model that may hold a file.

    The files are there as long as the block. Raises ServiceError, Refused and HTTPException.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "multipart/form-data"):
        raise HTTPException(415, NEITHER)
    folder = await _in_thread(service, lambda: tempfile.mkdtemp(dir=service.folder.path))
    try:
        reading = _from_form if kind == "multipart/form-data" else _from_json
        said, files = await reading(request, service, model, names, Path(folder))
        for name in names:
            if isinstance(value := getattr(said, name), str) and name not in files:
                files[name] = await _brought(service, name, value, Path(folder))
        yield Body(said, files)
    finally:
        await _in_thread(service, partial(shutil.rmtree, folder, ignore_errors=True))


def described(model: type[BaseModel], names: tuple[str, ...]) -> dict[str, Any]:
    """Such a body for OpenAPI."""
    schema = model.model_json_schema()
    form = {**schema, "properties": {**schema["properties"], **{name: {"type": "string", "format": "binary"} for name in names}}}
    content = {"application/json": {"schema": schema}, "multipart/form-data": {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}


async def _from_json(
    request: Request, service: Service, model: type[M], _: tuple[str, ...], __: Path
) -> tuple[M, dict[str, File]]:
    limit, body = service.limits.json_bytes, bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise HTTPException(413, too_large(limit))
    return await _in_thread(service, lambda: _checked(model.model_validate_json, bytes(body))), {}


async def _from_form(
    request: Request, service: Service, model: type[M], names: tuple[str, ...], folder: Path
) -> tuple[M, dict[str, File]]:
    async with request.form(max_files=len(names), max_fields=40, max_part_size=FORM_BYTES) as form:
        said = {name: value for name, value in form.items() if isinstance(value, str) and value}
        uploads = {name: value for name, value in form.items() if isinstance(value, UploadFile) and value.size and name in names}
        model_of = _checked(model.model_validate, {**said, **dict.fromkeys(uploads, "upload")})
        files = dict[str, File]()
        for name, upload in uploads.items():
            files[name] = File(_place(folder, name), file_name(upload.filename or name))
            await _in_thread(service, partial(_save, upload, files[name].path))
        return model_of, files


def _save(upload: UploadFile, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file)


async def _brought(service: Service, name: str, value: str, folder: Path) -> File:
    path = _place(folder, name)
    if own := OWN_FILE.fullmatch(value):
        return File(path, await _in_thread(service, partial(_own, service, own[1], path)))
    if value.startswith(("http://", "https://")):
        await service.downloads.fetch(value, path)
        return File(path, file_name(unquote(urlsplit(value).path)))
    return File(path, await _in_thread(service, partial(_decoded, name, value, path)))


def _own(service: Service, number: str, path: Path) -> str:
    with service.database.reading() as session:
        upload = session.get(Upload, number)
        if upload is None:
            raise NotFound(f"There is no uploaded file {number}: upload it again.")
        sha256, name = upload.sha256, upload.name
    service.storage.fetch(sha256, path)
    return name


def _decoded(name: str, value: str, path: Path) -> str:
    head = DATA_URL.match(value)
    try:
        content = base64.b64decode(value[head.end() :] if head else value, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(NO_BASE64.format(name=name)) from None
    if not content:
        raise MissingParam(f"{name}: that file is empty, send another one.")
    path.write_bytes(content)
    return f"{name}.{head['type'].rpartition('/')[2]}" if head else name


def _place(folder: Path, name: str) -> Path:
    return folder / name


async def _in_thread(service: Service, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(service.files, work)


def _checked(validate: Callable[[Any], M], content: Any) -> M:
    try:
        return validate(content)
    except ValidationError as error:
        status, code, sentence = wrong_parameter(error.errors(include_input=False, include_url=False)[0])
        kinds = (MissingParam, Unreadable, Invalid)
        kind = next(kind for kind in kinds if (kind.status, kind.default_code) == (status, code))
        raise kind(sentence) from None
