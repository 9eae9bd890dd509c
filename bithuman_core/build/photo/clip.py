"""From a video file to a few upright pictures of it, safely: capped before anything is decoded, errors in one sentence."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from bithuman_core.build.photo.decode import MIN_SIDE
from bithuman_core.errors import BuildError
from bithuman_core.intake.media import can_be_decoded, open_clip

MAX_BYTES = 200 << 20
MAX_SIDE = 4096
MAX_SECONDS = 60.0
MAX_FILM_SECONDS = 180.0
MAX_RATE = 5.0
"""Pictures a second that are looked at."""
MAX_PICTURES = 60
MAX_FRAMES = 7200
"""Frames that are decoded at most, 60 s at 120 a second: the times in a file may lie."""
ROUNDING = 1e-3
"""Steps by which a picture may come early: the times of frames are rounded."""
HD_LINES = 720
"""From this height on, pictures that do not say how their colours are coded follow ITU-R BT.709, below BT.601."""
UNKNOWN_SECONDS = 30.0
"""Taken as the length of a clip that does not tell it, as browsers record them."""
_TURNS = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}


@dataclass
class Clip:
    """One video file. ``pictures`` reads it once; notes are sentences for the user, complete after that."""

    source: Path | bytes
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        try:
            size = len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size
            if size > MAX_BYTES:
                raise BuildError(f"the clip has {size / 2**20:.0f} MiB and {MAX_BYTES >> 20} are allowed: cut it shorter")
            with self._opened() as file:
                digest = hashlib.sha256()
                while block := file.read(1 << 20):
                    digest.update(block)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise BuildError(f"cannot read the clip {str(self.source)!r}: {reason}") from error
        self.sha256 = digest.hexdigest()

    def _opened(self) -> IO[bytes]:
        return BytesIO(self.source) if isinstance(self.source, bytes) else self.source.open("rb")

    def pictures(self) -> Iterator[tuple[float, Image.Image]]:
        """Seconds from the start and an upright RGB picture, in order; `MAX_RATE` a second, `MAX_PICTURES` at most.

        A clip that breaks off gives what comes before. Raises `BuildError`: no video that can be read, or too large.
        """
        given = 0
        try:
            with self._opened() as file, open_clip(file) as container:
                stream = _video(container)
                step = max(1 / MAX_RATE, self._length(container) / MAX_PICTURES)
                due = 0.0
                for frame in itertools.islice(container.decode(stream), MAX_FRAMES):
                    _check_size(frame.width, frame.height)
                    time = _seconds(frame, given * step)
                    if time >= MAX_SECONDS or given >= MAX_PICTURES:
                        break
                    if time < due or frame.is_corrupt:
                        continue
                    due = (int(time / step + ROUNDING) + 1 - ROUNDING) * step
                    yield time, _upright(frame)
                    given += 1
        except BuildError:
            raise
        except (av.error.FFmpegError, ValueError, OSError, MemoryError) as error:
            if not given:
                raise BuildError(
                    f"the clip cannot be read ({_reason(error)}): save it again as MP4 or WebM, or use a photo"
                ) from error
            self.notes.append("The clip is damaged: only what comes before the damage was used.")
        if not given:
            raise BuildError("the clip holds no picture that can be read: save it again as MP4 or WebM, or use a photo")

    def film(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """Seconds from the start and every frame, upright, RGB uint8 [h, w, 3], of the first `MAX_FILM_SECONDS`."""
        given = 0
        try:
            with self._opened() as file, open_clip(file) as container:
                for frame in container.decode(_video(container)):
                    _check_size(frame.width, frame.height)
                    time = _seconds(frame, given / 25)
                    if time >= MAX_FILM_SECONDS:
                        break
                    if not frame.is_corrupt:
                        yield time, np.asarray(_upright(frame))
                        given += 1
        except (av.error.FFmpegError, ValueError, OSError, MemoryError) as error:
            if not given:
                raise BuildError(f"the clip cannot be read ({_reason(error)}): save it again as MP4 or WebM") from error
        if not given:
            raise BuildError("the clip holds no picture that can be read: save it again as MP4 or WebM, or use a photo")

    def _length(self, container: InputContainer) -> float:
        """Seconds of the clip that are used, as far as the file knows."""
        length = (container.duration or 0) / av.time_base
        if length > MAX_SECONDS:
            self.notes.append(f"The clip is {length:.0f} s long: its first {MAX_SECONDS:.0f} s were used.")
        return min(length, MAX_SECONDS) if length > 0 else UNKNOWN_SECONDS


def _video(container: InputContainer) -> VideoStream:
    if not container.streams.video:
        raise BuildError("the clip holds sound alone: use one that shows the face, or a photo")
    stream = container.streams.video[0]
    if not can_be_decoded(stream):
        raise BuildError("the clip is coded in a way that is not known here: save it again as MP4 or WebM, or use a photo")
    _check_size(stream.codec_context.width, stream.codec_context.height)
    return stream


def _check_size(width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE:
        raise BuildError(f"the clip has {width} x {height} px and {MAX_SIDE} a side are allowed: save it smaller")
    if 0 < min(width, height) < MIN_SIDE:
        raise BuildError(f"the clip has {width} x {height} px and {MIN_SIDE} a side are needed: use a larger one")


def _upright(frame: VideoFrame) -> Image.Image:
    """The frame as RGB, turned as the camera was held."""
    unsaid = frame.colorspace not in tuple(Colorspace)
    coded = (Colorspace.ITU709 if frame.height >= HD_LINES else Colorspace.ITU601) if unsaid else None
    image = Image.fromarray(frame.reformat(format="rgb24", src_colorspace=coded).to_ndarray())
    turn = _TURNS.get(round(frame.rotation / 90) % 4)
    return image.transpose(turn) if turn is not None else image


def _seconds(frame: VideoFrame, otherwise: float) -> float:
    return float(frame.time) if frame.time is not None and frame.time >= 0 else otherwise


def _reason(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, av.error.FFmpegError | OSError) else str(error)
