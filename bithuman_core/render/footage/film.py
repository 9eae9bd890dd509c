"""The film of a footage avatar: H.264 without B frames, a key frame every ``gop``; any frame in any order."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import ModelLoadError
from bithuman_core.render.footage.planes import Planes

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


class Colours:
    """Makes coloured pictures of planes, for one session."""

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter  # FFmpeg: rigs without a film do without it

        self._formats = VideoReformatter()  # one of its own on one thread: frames would start some each

    def of(self, planes: Planes) -> NDArray[np.uint8]:
        """BGR uint8 [h, w, 3]."""
        import av

        whole = np.concatenate([plane.ravel() for plane in planes]).reshape(-1, planes.y.shape[1])
        return self.of_frame(av.VideoFrame.from_ndarray(whole, format="yuv420p"))

    def of_frame(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """The same of a decoded frame."""
        return np.asarray(self._formats.reformat(frame, format="bgr24", threads=1).to_ndarray(), np.uint8)


class FilmPlayer:
    """Decodes frames of a film for one session."""

    def __init__(self, film: Film) -> None:
        self._film, self._colours = film, Colours()
        self._groups: OrderedDict[int, _Group] = OrderedDict()  # the one that was used last is the last one

    def frame(self, index: int, ahead: Iterable[int] = ()) -> NDArray[np.uint8]:
        """Frame ``index``, BGR uint8 [h, w, 3]. ahead: those that will be asked for next; they are prepared a little.

        Raises ModelLoadError where the film is damaged.
        """
        return self._colours.of_frame(self._decoded(index, ahead))

    def planes(self, index: int, ahead: Iterable[int] = ()) -> Planes:
        """The same frame as it is coded; not to be written to."""
        return Planes.of(np.asarray(self._decoded(index, ahead).to_ndarray(), np.uint8))

    def luma(self, index: int, ahead: Iterable[int] = ()) -> NDArray[np.uint8]:
        """The luma of frame ``index`` as it is coded, uint8 [h, w], otherwise as :meth:`frame`."""
        plane = self._decoded(index, ahead).planes[0]
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        return np.ascontiguousarray(lines[:, : plane.width])

    def _decoded(self, index: int, ahead: Iterable[int]) -> av.VideoFrame:
        left, gop = AHEAD, self._film.gop
        wanted = [index // gop]
        for other in ahead:
            if index <= other <= index + gop:  # forwards, each is decoded when it comes
                continue
            if other // gop not in wanted:
                wanted.append(other // gop)
            if len(wanted) <= KEPT:
                left -= self._group(other).decode_to(other, left)
        group = self._group(index)
        group.decode_to(index, gop)
        while len(self._groups) > KEPT:
            self._groups.popitem(last=False)
        return group.frames[index - group.first]

    def _group(self, index: int) -> _Group:
        number = index // self._film.gop
        if number not in self._groups:
            self._groups[number] = _Group(self._film, number * self._film.gop)
        self._groups.move_to_end(number)
        return self._groups[number]


class _Group:
    """Frames from one key frame on, decoded one after the other, whatever comes before them in the film."""

    def __init__(self, film: Film, first: int) -> None:
        from bithuman_core.intake.media import h264_decoder

        self.first = first
        self.frames: list[av.VideoFrame] = []
        self._film, self._codec = film, h264_decoder()

    def decode_to(self, index: int, most: int) -> int:
        """Decode until frame ``index`` is there, or ``most`` more are. Returns how many it were."""
        before = len(self.frames)
        while self.first + len(self.frames) <= index and len(self.frames) < before + most:
            self.frames.append(self._decode(self.first + len(self.frames)))
        return len(self.frames) - before

    def _decode(self, k: int) -> av.VideoFrame:
        import av
        from av.error import FFmpegError

        film = self._film
        try:
            frames = self._codec.decode(av.Packet(film.data[film.start[k] : film.start[k + 1]].tobytes()))
        except FFmpegError as error:
            raise ModelLoadError(f"Frame {k} of the avatar's film cannot be decoded; the file is damaged.") from error
        one = len(frames) == 1 and not frames[0].is_corrupt
        if not one or (frames[0].width, frames[0].height) != film.size or frames[0].format.name != "yuv420p":
            raise ModelLoadError(f"Frame {k} of the avatar's film is not what its manifest says; the file is damaged.")
        return frames[0]


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
