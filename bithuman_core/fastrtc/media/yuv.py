"""Drawn pictures as the frames that PyAV's codecs take, in memory that is used again."""

# pyright: reportCallIssue=false, reportArgumentType=false
# (a plane is a buffer, which its type does not say)
from __future__ import annotations

from collections import deque

import numpy as np
from av import VideoFrame
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from bithuman_core.render.planes import to_planes

KEPT = 4  # pictures that wait, and the one that is being encoded (see line.CAPACITY), with one to spare


class YuvConverter:
    """Converts pictures into a few frames by turns: fresh memory would cost more than the conversion."""

    def __init__(self) -> None:
        self._frames: deque[VideoFrame] = deque()

    def take(self, picture: NDArray[np.uint8]) -> VideoFrame:
        """BGR uint8 [h, w, 3], or its planes uint8 [h * 3 / 2, w] (I420), as yuv420p (BT.601, 16 to 235), valid until KEPT more
        have been taken.

        Raises ValueError where width or height is odd.
        """
        height, width = picture.shape[:2]
        coded = picture.ndim == 2
        height = height * 2 // 3 if coded else height
        if width % 2 or height % 2:
            raise ValueError(f"A picture of {width} x {height} px has no planes of half its size: make both even.")
        if not self._frames or (self._frames[0].width, self._frames[0].height) != (width, height):
            self._frames = deque(VideoFrame(width, height, "yuv420p") for _ in range(1 + KEPT))
        self._frames.rotate()
        made = self._frames[0]
        rows = [_rows(plane) for plane in made.planes]
        if coded:
            _copy(picture.reshape(-1), rows, width, height)
        else:
            to_planes(picture.reshape(height, -1), *rows, width)
        return made


def _copy(planes: NDArray[np.uint8], rows: list[NDArray[np.uint8]], width: int, height: int) -> None:
    """Planes that lie behind each other into the memory of a frame, whose rows may be longer."""
    y, quarter = width * height, width * height // 4
    rows[0][:, :width] = planes[:y].reshape(height, width)
    for plane, first in zip(rows[1:], (y, y + quarter), strict=True):
        plane[:, : width // 2] = planes[first : first + quarter].reshape(height // 2, width // 2)


def _rows(plane: VideoPlane) -> NDArray[np.uint8]:
    """Its memory, [height, bytes of a row], the filling at each row's end included."""
    return np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
