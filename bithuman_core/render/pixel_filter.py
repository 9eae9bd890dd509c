"""The pixel filter: how far a finished pixel looks beyond its own square (numba, one core).

Two samples a pixel leave steps at edges that a camera, or a path tracer with its wider filter, does not show.
"""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

import numpy as np
from numba import int64, njit, uint8, uint16, uint32, void
from numpy.typing import NDArray

from bithuman_core.render.kernel import kernel
from bithuman_core.render.signature import scratch

STEPS = 16  # of a weight: two passes of 8 bits in 16ths fit 16 bits
HALF, BITS = np.uint16(STEPS * STEPS // 2), np.uint16(8)  # to round what 256ths are taken off
LARGEST_SHARE = 0.25  # of a neighbour: the triangle filter, three pixels wide


class PixelFilter:
    """[share, 1 - 2 share, share] along rows and columns; pixels beyond the frame repeat its edge.

    share: of a neighbour, 0..0.25, in whole 16ths. width: of the frames in px.
    """

    def __init__(self, share: float, width: int) -> None:
        self.side = round(share * STEPS)
        self.lines = np.empty((3, 3 * width), np.uint16)  # scratch

    def apply(self, frame: NDArray[np.uint8]) -> None:
        """Filter a contiguous frame uint8 [height, width, 3] in place."""
        if self.side:
            filter_pixels(frame.reshape(len(frame), -1), self.lines, self.side, 3)


@njit(nogil=True)
def _weighted(before, here, after, own, side, add):
    """own here + side (before + after) + add, which 16 bits hold. Every step says so: else the processor does it in 64, and a
    quarter as much at a time."""
    around = uint16(side * uint16(uint16(before) + uint16(after)))
    return uint16(uint16(uint16(own * uint16(here)) + around) + add)


@njit(nogil=True)
def _along(before, here, after, own, side, out):
    """A row in 16ths, from its bytes; all vectors of one length."""
    for x in range(uint32(out.shape[0])):
        out[x] = _weighted(before[x], here[x], after[x], own, side, uint16(0))


@njit(nogil=True)
def _across(above, here, below, own, side, out):
    """A row in bytes, from three in 16ths."""
    for x in range(uint32(out.shape[0])):
        out[x] = uint8(_weighted(above[x], here[x], below[x], own, side, HALF) >> BITS)


@kernel(void(scratch(uint8, 2), scratch(uint16, 2), uint16, int64))
def filter_pixels(frame, lines, side, step):
    """frame [h, step w] uint8, step numbers a pixel; lines [3, step w or more]: the last rows, filtered along x, in 16ths."""
    height, length, twice = frame.shape[0], frame.shape[1], 2 * step
    own = uint16(STEPS - 2 * side)
    for y in range(height + 1):
        if y < height:
            row, line = frame[y], lines[y % 3][:length]
            _along(row[:-twice], row[step:-step], row[twice:], own, side, line[step:-step])
            _along(row[:step], row[:step], row[step:twice], own, side, line[:step])
            _along(row[-twice:-step], row[-step:], row[-step:], own, side, line[-step:])
        if y:
            above, here, below = lines[max(y - 2, 0) % 3], lines[(y - 1) % 3], lines[min(y, height - 1) % 3]
            _across(above[:length], here[:length], below[:length], own, side, frame[y - 1])
