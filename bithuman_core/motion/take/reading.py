"""Reading a take from a file that somebody else wrote: a table or JSON, told from each other by what they begin with."""

from __future__ import annotations

import codecs
from pathlib import Path

from bithuman_core.errors import MotionError
from bithuman_core.motion.take.document import read_document
from bithuman_core.motion.take.frames import Take
from bithuman_core.motion.take.samples import resampled
from bithuman_core.motion.take.table import read_table

MOST_BYTES = 96 << 20  # of a file: some forty minutes as Live Link Face records them at 60 frames a second
LONGEST = 3600.0  # s
RATES = (1.0, 240.0)  # frames a second that may be said of a file
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_take(path: str | Path, fps: float | None = None, longest: float = LONGEST, name: str | None = None) -> Take:
    """The take of a file of Live Link Face (CSV), or of one that ``bithuman-core motion`` writes (CSV or JSON), at 25 a second.

    What it never moves (0 throughout a group: mouth, eyes, brows, the head's turn) stays with the avatar's own life.
    fps: frames a second, for files that do not say it. longest: s. name: stands for the file in sentences. Raises MotionError.
    """
    path = Path(path)
    name = name or path.name
    if fps is not None and not RATES[0] <= fps <= RATES[1]:
        raise MotionError(f"The rate of {name!r} is said to be {fps}: give {RATES[0]:.0f} to {RATES[1]:.0f} frames a second.")
    if not path.is_file():
        raise MotionError(f"There is no motion file {name!r}: check the path.")
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise MotionError(f"The motion file {name!r} cannot be read ({error.strerror}): check its permissions.") from error
    try:
        return take_of_bytes(content, fps, longest)
    except MotionError as error:
        raise MotionError(f"{name!r} is no usable motion: {error.message}") from error


def take_of_bytes(content: bytes, fps: float | None = None, longest: float = LONGEST) -> Take:
    """The take of a file's content, as :func:`read_take`. Raises MotionError."""
    if len(content) > MOST_BYTES:
        raise MotionError(f"it is larger than {MOST_BYTES >> 20} MiB: cut it shorter.")
    text = _text(content)
    read = read_document if text.lstrip()[:1] in ("{", "[") else read_table
    return resampled(read(text, fps), longest)


def _text(content: bytes) -> str:
    """UTF-8, or UTF-16 as spreadsheets mark it; else Latin-1: the names are ASCII, and what else is there is not looked at."""
    try:
        text = content.decode("utf-16" if content.startswith(UTF_16) else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if not text.strip() or "\0" in text:
        raise MotionError("it is empty or no text: give a CSV or JSON file.")
    return text
