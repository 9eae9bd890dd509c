"""The film inside the file: H.264 without B frames, a key frame every `GOP`, each frame a packet of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from bithuman_core.build.arrays import Array
from bithuman_core.render.matte.film import coded_luma
from bithuman_core.timing import FPS

GOP = 12
OPTIONS = {"preset": "fast", "bf": "0", "x264-params": f"keyint={GOP}:min-keyint={GOP}:scenecut=0:repeat-headers=1:annexb=1"}
QUALITY, COVER_QUALITY, BEHIND_QUALITY = 20, 24, 26  # constant rate factors: of the film, of alpha, of what is behind
TOLD, CLEARLY = 8 * GOP, 1.1  # frames that tell how large a film becomes; times as large as it may be, where that is sure
GREY = 128


class TooLarge(Exception):
    """A film grows too fast: ``rate`` bytes a frame."""

    def __init__(self, rate: float) -> None:
        super().__init__(rate)
        self.rate = rate


def coded(
    frames: Iterable[Array], size: tuple[int, int], quality: int = QUALITY, most: float = math.inf
) -> tuple[Array, Array]:
    """(bytes u8, start u32 [n + 1]) of frames uint8 [h, w, 3], RGB. Raises `TooLarge` where a frame takes clearly more than
    ``most`` bytes in the mean of the first `TOLD`."""
    colours = VideoReformatter()  # on one thread: a frame's own would wait by being busy

    def made() -> Iterator[av.VideoFrame]:
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            yield colours.reformat(frame, format="yuv420p", threads=1)

    return _coded(made(), size, quality, most)


def coded_within(
    frames: Callable[[], Iterable[Array]], count: int, size: tuple[int, int], largest: int
) -> tuple[Array, Array]:
    """As ``coded``, and once more with less quality where the ``count`` frames are larger than so many bytes: grain, water,
    leaves.

    Six steps of the quality halve a film (the scale of H.264's quantiser).
    """
    try:
        film, start = coded(frames(), size, most=largest / count)
        if film.size <= largest:
            return film, start
        rate = film.size / count
    except TooLarge as told:
        rate = told.rate
    return coded(frames(), size, QUALITY + math.ceil(6 * math.log2(rate * count / largest)))


def coded_covers(covers: Iterable[Array], size: tuple[int, int], quality: int = COVER_QUALITY) -> tuple[Array, Array]:
    """The same of alpha, uint8 [h, w]: it becomes the luma, without colour."""

    def made() -> Iterator[av.VideoFrame]:
        for cover in covers:
            frame = av.VideoFrame(*size, "yuv420p")
            for plane, values in zip(frame.planes, (coded_luma(cover), None, None), strict=True):
                held = np.full((plane.height, plane.line_size), GREY, np.uint8)
                if values is not None:
                    held[:, : plane.width] = values
                plane.update(held.tobytes())
            yield frame

    return _coded(made(), size, quality)


def _coded(
    frames: Iterable[av.VideoFrame], size: tuple[int, int], quality: int, most: float = math.inf
) -> tuple[Array, Array]:
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height = size
    codec.pix_fmt, codec.time_base, codec.framerate = "yuv420p", Fraction(1, FPS), Fraction(FPS)
    codec.thread_count = 1  # the same bytes on every machine
    codec.options = {**OPTIONS, "crf": str(quality)}
    packets: list[bytes] = []
    for k, frame in enumerate(frames):
        frame.pts = k
        packets += [bytes(p) for p in codec.encode(frame)]
        if len(packets) == TOLD and (rate := sum(map(len, packets)) / TOLD) > CLEARLY * most:
            raise TooLarge(rate)
    packets += [bytes(p) for p in codec.encode(None)]
    start = np.cumsum([0, *map(len, packets)]).astype(np.uint32)
    return np.frombuffer(b"".join(packets), np.uint8), start
