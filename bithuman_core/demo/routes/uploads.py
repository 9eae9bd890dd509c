"""Taking a file from a page: counted while it is read, so that nobody fills memory or disk."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request

from bithuman_core.demo.limits import MIB
from bithuman_core.demo.refusal import Refusal
from bithuman_core.files import end_in_bytes

MAX_FILE_NAME = 120  # bytes: file systems take 255


def file_name(request: Request, default: str) -> str:
    """The name that the visitor's file has, from the X-File-Name header (percent-encoded), without folders and oddities."""
    given = unquote(request.headers.get("x-file-name", "")).replace("\\", "/").rsplit("/", 1)[-1]
    clean = re.sub(r"[^\w .()-]", "_", given).strip(" .")
    return end_in_bytes(clean, MAX_FILE_NAME).strip(" .") or default


async def save_body(request: Request, path: Path, limit: int, seconds: float) -> None:
    """Write the body of a request to a file. Raises Refusal: empty, over ``limit`` bytes, over ``seconds``."""
    too_large = Refusal(413, f"That file is larger than the {limit // MIB} MiB that are taken here: choose a smaller one.")
    if int(request.headers.get("content-length") or 0) > limit:
        raise too_large

    async def copy() -> int:
        size = 0
        with path.open("wb") as file:
            async for piece in request.stream():
                size += len(piece)
                if size > limit:
                    raise too_large
                file.write(piece)
        return size

    try:
        if not await asyncio.wait_for(copy(), seconds):
            raise Refusal(400, "That file is empty: choose another one.")
    except asyncio.TimeoutError:
        raise Refusal(408, "The upload took too long: try again on a faster connection, or with a smaller file.") from None
    except ClientDisconnect:
        raise Refusal(400, "The upload broke off: try again.") from None
