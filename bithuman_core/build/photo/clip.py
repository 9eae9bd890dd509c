"""From a video file to a few upright pictures of it, safely: capped before anything is decoded, errors in one sentence."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import IO

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from bithuman_core.build.photo import hdr, rim
from bithuman_core.build.photo.decode import MIN_SIDE
from bithuman_core.errors import BuildError
from bithuman_core.intake.media import can_be_decoded, open_clip

FROM_ZERO = ("matroska,webm", "asf")
"""Readers whose lengths count from 0, also where the first picture comes later."""
MAX_BYTES = 200 << 20
MAX_SIDE = 4096
MAX_SECONDS = 60.0
MAX_RATE = 5.0
"""Pictures a second that are looked at."""
MAX_PICTURES = 60
MAX_FRAMES = 7200
"""Frames that are decoded at most, 60 s at 120 a second: the times in a file may lie."""
FILM_SECONDS, FILM_FRAMES, FILM_SIDE = 180.0, 21600, 1920
"""Of a clip that is kept as film: seconds and frames that are looked at, px of the longer side."""
UNTIMED = 1 / 25
"""Seconds from a frame to one that tells no time."""
LONG_NOTE = f"The clip is longer than {FILM_SECONDS:.0f} s: what comes after that was not looked at."
DAMAGED_NOTE = "The clip is damaged: only what comes before the damage was used."
ROUNDING = 1e-3
"""Steps by which a picture may come early: the times of frames are rounded."""
HD_LINES = 720
"""From this height on, pictures that do not say how their colours are coded follow ITU-R BT.709, below BT.601."""
UNKNOWN_SECONDS = 30.0
"""Taken as the length of a clip that does not tell it, as browsers record them."""


@dataclass
class Clip:
    """One video file. ``pictures`` reads it once; notes are sentences for the user, complete after that."""

    source: Path | bytes
    notes: list[str] = field(default_factory=list)
    _inside: rim.Box | None = None
    _looks: int = 0
    _colours: VideoReformatter = field(default_factory=VideoReformatter)  # on one thread: a frame's own would wait by being busy

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
        due, given = 0.0, 0
        for time, frame, shape, length in self._frames(MAX_FRAMES):
            step = max(1 / MAX_RATE, min(length, MAX_SECONDS) / MAX_PICTURES)
            if given == 0 and length > MAX_SECONDS:
                self.notes.append(f"The clip is {length:.0f} s long: its first {MAX_SECONDS:.0f} s were used.")
            time = given * step if time is None else time
            if time >= MAX_SECONDS or given >= MAX_PICTURES:
                return
            if time >= due:
                due = (int(time / step + ROUNDING) + 1 - ROUNDING) * step
                yield time, Image.fromarray(self._upright(frame, shape))
                given += 1

    def film(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """Seconds from the start and an upright RGB picture uint8 [h, w, 3] of every frame, `FILM_SECONDS` at most; those over
        `FILM_SIDE` px are made smaller. As `pictures` where a clip breaks off or cannot be read."""
        before = 0.0
        for told, frame, shape, length in self._frames(FILM_FRAMES):
            if length > FILM_SECONDS and LONG_NOTE not in self.notes:
                self.notes.append(LONG_NOTE)
            before = time = before + UNTIMED if told is None else told
            if time >= FILM_SECONDS:
                return
            picture = self._upright(frame, shape)
            if max(picture.shape) > FILM_SIDE:
                share = FILM_SIDE / max(picture.shape)
                size = round(picture.shape[1] * share), round(picture.shape[0] * share)
                picture = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))
            yield time, picture

    def seconds(self) -> float:
        """As long as the file says that it is."""
        try:
            with self._opened() as file, open_clip(file) as container:
                stream = _video(container)
                return self._length(container, float((stream.start_time or 0) * (stream.time_base or 0)))
        except (av.error.FFmpegError, ValueError, OSError, MemoryError) as error:
            raise _unreadable(error) from error

    def _frames(self, most: int) -> Iterator[tuple[float | None, VideoFrame, Fraction | None, float]]:
        """Every sound frame: seconds from the first one (where they are told), itself, the shape of its px, the clip's length."""
        given = 0
        try:
            with self._opened() as file, open_clip(file) as container:
                stream = _video(container)
                start = length = None  # the clocks of cut clips may begin anywhere
                for frame in itertools.islice(container.decode(stream), most):
                    _check_size(frame.width, frame.height)
                    if start is None or length is None:
                        start = frame.time or 0.0
                        length = self._length(container, start)
                    if not frame.is_corrupt:
                        given += 1
                        yield None if frame.time is None else frame.time - start, frame, stream.sample_aspect_ratio, length
        except BuildError:
            raise
        except (av.error.FFmpegError, ValueError, OSError, MemoryError) as error:
            if not given:
                raise _unreadable(error) from error
            if DAMAGED_NOTE not in self.notes:
                self.notes.append(DAMAGED_NOTE)
        if not given:
            raise BuildError("the clip holds no picture that can be read: save it again as MP4 or WebM, or use a photo")

    def _length(self, container: InputContainer, start: float) -> float:
        """Seconds of the clip, as far as the file knows; start: time of its first picture."""
        length = (container.duration or 0) / av.time_base - (start if container.format.name in FROM_ZERO else 0)
        return length if length > 0 else UNKNOWN_SECONDS

    def _upright(self, frame: VideoFrame, pixel_shape: Fraction | None) -> NDArray[np.uint8]:
        """The frame as sRGB uint8 [h, w, 3] with square px, turned as the camera was held."""
        width, height = _square(frame.width, frame.height, pixel_shape or Fraction(1))
        _check_size(width, height)
        unsaid = frame.colorspace not in tuple(Colorspace)
        coded = (Colorspace.ITU709 if frame.height >= HD_LINES else Colorspace.ITU601) if unsaid else None
        foreign = hdr.is_foreign(frame.color_trc, frame.color_primaries)
        form = "rgb48le" if foreign else "rgb24"
        picture = self._colours.reformat(frame, width, height, form, src_colorspace=coded, threads=1).to_ndarray()
        if foreign:
            picture = hdr.to_srgb(picture, frame.color_trc, frame.color_primaries)
        if hdr.is_hdr(frame.color_trc) and hdr.NOTE not in self.notes:
            self.notes.append(hdr.NOTE)
        picture = np.rot90(picture, round(frame.rotation / 90) % 4)
        self._looks += 1
        if self._inside is None and self._looks <= MAX_PICTURES and (box := rim.inside_rim(Image.fromarray(picture))):
            self._inside = box
            self.notes.append(rim.NOTE)
        left, top, right, bottom = self._inside or (0, 0, picture.shape[1], picture.shape[0])
        return np.ascontiguousarray(picture[top:bottom, left:right], np.uint8)


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


def _square(width: int, height: int, pixel_shape: Fraction) -> tuple[int, int]:
    """The size in square px of a frame whose px are pixel_shape times as wide as high; no px is lost."""
    if pixel_shape >= 1:
        return round(width * pixel_shape), height
    return width, round(height / pixel_shape) if pixel_shape > 0 else height


def _unreadable(error: Exception) -> BuildError:
    return BuildError(f"the clip cannot be read ({_reason(error)}): save it again as MP4 or WebM, or use a photo")


def _reason(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, av.error.FFmpegError | OSError) else str(error)
