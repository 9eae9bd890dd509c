"""A drawn picture as the three planes that video codecs take (numba, one core).

swscale, which PyAV uses for this, takes 1.2 ms for 512 x 512 px. This takes 0.1: whole rows, in 16 bits, which the compiler
turns into vector instructions.
"""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

from collections import deque

import numpy as np
from av import VideoFrame
from av.video.plane import VideoPlane
from numba import int16, int32, njit, uint8, uint16, uint32, void
from numpy.typing import NDArray

from bithuman_core.render.kernel import kernel
from bithuman_core.render.signature import scratch

KEPT = 4  # pictures that wait, and the one that is being encoded (see line.CAPACITY), with one to spare


class YuvConverter:
    """Converts pictures into a few frames by turns: fresh memory would cost more than the conversion."""

    def __init__(self) -> None:
        self._frames: deque[VideoFrame] = deque()

    def take(self, picture: NDArray[np.uint8]) -> VideoFrame:
        """BGR uint8 [h, w, 3] as yuv420p (BT.601, 16 to 235), valid until KEPT more have been taken.

        Raises ValueError where width or height is odd.
        """
        height, width = picture.shape[:2]
        if width % 2 or height % 2:
            raise ValueError(f"A picture of {width} x {height} px has no planes of half its size: make both even.")
        if not self._frames or (self._frames[0].width, self._frames[0].height) != (width, height):
            self._frames = deque(VideoFrame(width, height, "yuv420p") for _ in range(1 + KEPT))
        self._frames.rotate()
        made = self._frames[0]
        _convert(picture.reshape(height, -1), *(_rows(plane) for plane in made.planes), width)
        return made


def _rows(plane: VideoPlane) -> NDArray[np.uint8]:
    """Its memory, [height, bytes of a row], the filling at each row's end included."""
    return np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)


@njit(nogil=True)
def _luma(row, y):
    """y of a row of b, g, r: the weights are 256ths, their sum stays below 2^16."""
    for x in range(uint32(y.shape[0])):
        blue, green, red = uint16(row[3 * x]), uint16(row[3 * x + 1]), uint16(row[3 * x + 2])
        y[x] = (uint16(25) * blue + uint16(129) * green + uint16(66) * red + uint16(16 * 256 + 128)) >> uint16(8)


@njit(nogil=True)
def _mean(above, below, at):
    """Of four pixels."""
    total = uint16(above[at]) + uint16(above[at + 3]) + uint16(below[at]) + uint16(below[at + 3]) + uint16(2)
    return int32(int16(total >> uint16(2)))


@njit(nogil=True)
def _chroma(above, below, u, v):
    """u and v of two rows of b, g, r."""
    middle = int32(128 * 256 + 128)
    for x in range(uint32(u.shape[0])):
        blue, green, red = _mean(above, below, 6 * x), _mean(above, below, 6 * x + 1), _mean(above, below, 6 * x + 2)
        u[x] = uint8((int32(112) * blue - int32(74) * green - int32(38) * red + middle) >> int32(8))
        v[x] = uint8((int32(112) * red - int32(94) * green - int32(18) * blue + middle) >> int32(8))


@kernel(void(scratch(uint8, 2), scratch(uint8, 2), scratch(uint8, 2), scratch(uint8, 2), uint32))
def _convert(bgr, y, u, v, width):
    """All rows; ``width`` in px, without their filling."""
    for row in range(u.shape[0]):
        above, below = bgr[2 * row], bgr[2 * row + 1]
        _luma(above, y[2 * row][:width])
        _luma(below, y[2 * row + 1][:width])
        _chroma(above, below, u[row][: width // 2], v[row][: width // 2])
