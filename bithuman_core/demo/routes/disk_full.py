"""A disk without room: a sentence for whoever wanted to keep something on it, and nothing half-written left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path

from fastapi import Request
from fastapi.responses import JSONResponse
from gradio.route_utils import GradioMultiPartParser
from starlette.datastructures import FormData

from bithuman_core.files import DISK_FULL, is_full

Parse = Callable[[GradioMultiPartParser], Awaitable[FormData]]


async def no_room(_: Request, error: Exception) -> JSONResponse:
    """507 where the disk is full; any other error goes on. ``detail`` is what Gradio's clients look for."""
    if isinstance(error, OSError) and is_full(error):
        return JSONResponse({"error": DISK_FULL, "detail": DISK_FULL}, 507)
    raise error


def without_remains(parse: Parse) -> Parse:
    """Gradio removes the file of an upload that it refuses, but not of one that breaks off: that goes, too."""

    @wraps(parse)
    async def parsed(parser: GradioMultiPartParser) -> FormData:
        done = False
        try:
            form = await parse(parser)
            done = True
            return form
        finally:
            if not done:
                _remove(parser)

    return parsed


def _remove(parser: GradioMultiPartParser) -> None:
    for file in parser._files_to_close_on_error:
        with suppress(OSError):  # what was still to be written
            file.close()
        Path(file.name).unlink(missing_ok=True)
