"""How the server and a reading process talk: JSON and bytes, so that nothing which comes back can be run."""

from __future__ import annotations

import json
from struct import Struct
from typing import IO, Any

SIZES = Struct(">II")  # bytes of JSON, bytes of content
MOST_JSON, MOST_CONTENT = 1 << 20, 64 << 20


class WireError(Exception):
    """The other side says what makes no sense."""


def send(file: IO[bytes], message: dict[str, Any], content: bytes = b"") -> None:
    """Write one message. Raises OSError where the other side has gone."""
    text = json.dumps(message).encode()
    file.write(SIZES.pack(len(text), len(content)) + text + content)
    file.flush()


def receive(file: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """The next message; None where the other side has gone. Raises WireError."""
    head = _whole(file, SIZES.size)
    if len(head) < SIZES.size:
        return None
    length, size = SIZES.unpack(head)
    if length > MOST_JSON or size > MOST_CONTENT:
        raise WireError("a message is too large")
    text, content = _whole(file, length), _whole(file, size)
    if len(text) < length or len(content) < size:
        return None
    try:
        message = json.loads(text)
    except ValueError as error:
        raise WireError("a message is no JSON") from error
    if not isinstance(message, dict):
        raise WireError("a message is no object")
    return message, content


def _whole(file: IO[bytes], size: int) -> bytes:
    """So many bytes; fewer where the other side has gone."""
    taken = bytearray()
    while len(taken) < size and (piece := file.read(size - len(taken))):
        taken += piece
    return bytes(taken)
