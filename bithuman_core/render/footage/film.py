"""The film of a footage avatar: H.264 without B frames, a key frame every ``gop``; any frame in any order."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import ModelLoadError

if TYPE_CHECKING:
    import av

KEPT = 2  # groups of frames that a player keeps decoded
AHEAD = 2  # frames that are decoded beyond the wanted one at a time: a group is ready when a walk comes to it from behind


@dataclass(frozen=True)
class Film:
    """n coded frames (Annex B, each key frame with its parameter sets), width x height px, BT.601 limited range."""

    data: NDArray[np.uint8]
    start: NDArray[np.int64]  # [n + 1] bytes
    gop: int
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.start) - 1


class FilmPlayer:
    """Decodes frames of a film for one session."""

    def __init__(self, film: Film) -> None:
        from av.video.reformatter import VideoReformatter  # FFmpeg: rigs without a film do without it

        self._film = film
        self._colours = VideoReformatter()  # one of its own on one thread: frames would start some each
        self._kept: dict[int, av.VideoFrame] = {}
        self._codec: av.VideoCodecContext | None = None
        self._next = -1  # the frame that the codec can decode next

    def frame(self, index: int, ahead: Iterable[int] = ()) -> NDArray[np.uint8]:
        """Frame ``index``, BGR uint8 [h, w, 3]. ahead: those that will be asked for next; they are prepared a little.

        Raises ModelLoadError where the film is damaged.
        """
        while index not in self._kept:
            self._decode(index)
        picture = np.asarray(self._colours.reformat(self._kept[index], format="bgr24", threads=1).to_ndarray(), np.uint8)
        left, gop = AHEAD, self._film.gop
        wanted = [index // gop]
        for other in ahead:
            if index <= other <= index + gop:  # forwards, each is decoded when it comes
                continue
            if other // gop not in wanted:
                wanted.append(other // gop)
            while other not in self._kept and left and len(wanted) <= KEPT:
                self._decode(other)
                left -= 1
        for kept in [k for k in self._kept if k // gop not in wanted[:KEPT]]:
            del self._kept[kept]
        return picture

    def _decode(self, index: int) -> None:
        """One frame more on the way to ``index``."""
        import av
        from av.error import FFmpegError

        from bithuman_core.intake.media import h264_decoder

        first = index - index % self._film.gop
        if self._codec is None or not first < self._next <= index:  # each group anew: what came before it changes nothing
            self._codec = h264_decoder()
            self._next = first
        film, k = self._film, self._next
        try:
            frames = self._codec.decode(av.Packet(film.data[film.start[k] : film.start[k + 1]].tobytes()))
        except FFmpegError as error:
            raise ModelLoadError(f"Frame {k} of the avatar's film cannot be decoded; the file is damaged.") from error
        one = len(frames) == 1 and not frames[0].is_corrupt
        if not one or (frames[0].width, frames[0].height) != film.size or frames[0].format.name != "yuv420p":
            raise ModelLoadError(f"Frame {k} of the avatar's film is not what its manifest says; the file is damaged.")
        self._kept[k] = frames[0]
        self._next = k + 1


@dataclass(frozen=True)
class FilmCost:
    """CPU time of decoding, ms: the dearest frame, and the dearest group, which is what going to any place of the film takes."""

    frame: float
    group: float


def check_film(film: Film) -> FilmCost:
    """Decode every frame once. Raises ModelLoadError where one cannot be."""
    player, costs = FilmPlayer(film), list[float]()
    for k in range(len(film)):
        begin = time.thread_time()
        player.frame(k)
        costs.append(1000 * (time.thread_time() - begin))
    return FilmCost(max(costs), max(sum(costs[first : first + film.gop]) for first in range(0, len(film), film.gop)))
