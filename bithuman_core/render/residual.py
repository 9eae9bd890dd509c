"""What the shapes add to the skin's texture: wrinkles, blush and shadow of an expression (numba, one core).

Every row (a shape or a corrective) has a smooth part at a quarter of the texture's size and a detail at half of it, each cut to its box.
"""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

import numpy as np
from numba import float32, int8, int32, njit, uint64, void
from numpy.typing import NDArray

from bithuman_core.render.rig import Residual
from bithuman_core.render.signature import given, scratch

BIAS = 511  # packed texels hold 2 * level + BIAS, 16 bits a channel: blended with 64ths they still fit
Box = tuple[int, int, int, int]


class ResidualSum:
    """The weighted sum of residuals, packed for the shader: ``packed`` uint64 [side, side]."""

    def __init__(self, smooth: Residual, detail: Residual, side: int) -> None:
        self._parts = (smooth, detail)
        self._sums = (np.zeros((side // 2, side // 2, 3), np.float32), np.zeros((side, side, 3), np.float32))
        self._touched: list[Box] = [(0, 0, 0, 0), (0, 0, 0, 0)]
        self._dirty: Box = (0, 0, 0, 0)
        self.packed = np.full((side, side), BIAS * (1 + (1 << 16) + (1 << 32)), np.uint64)

    def update(self, amount: NDArray[np.float32]) -> None:
        """Set the sum: amount [R] says how far every row acts."""
        for k, (part, total) in enumerate(zip(self._parts, self._sums, strict=True)):
            x0, y0, x1, y1 = self._touched[k]
            total[y0:y1, x0:x1] = 0.0
            active = [s for s in np.flatnonzero(amount) if len(part.values[s])]
            for s in active:
                add(part.values[s], amount[s] * part.scale[s], *part.box[s], total)
            self._touched[k] = _around(part.box[active])
        side = len(self.packed)
        x0, y0, x1, y1 = self._touched[0]
        smooth = (max(2 * x0 - 1, 0), max(2 * y0 - 1, 0), min(2 * x1 + 1, side), min(2 * y1 + 1, side)) if x1 else (0, 0, 0, 0)
        now = _around(np.array([box for box in (smooth, self._touched[1]) if box[2]], np.int32).reshape(-1, 4))
        # What the frame before touched must be packed once more.
        stale = np.array([box for box in (now, self._dirty) if box[2]], np.int32).reshape(-1, 4)
        pack(*self._sums, *_around(stale), self.packed)
        self._dirty = now


def _around(boxes: NDArray[np.int32]) -> Box:
    if not len(boxes):
        return 0, 0, 0, 0
    x0, y0 = boxes[:, :2].min(0)
    x1, y1 = boxes[:, 2:].max(0)
    return int(x0), int(y0), int(x1), int(y1)


@njit(
    void(given(int8, 1), float32, int32, int32, int32, int32, scratch(float32, 3)),
    nogil=True, cache=True, fastmath=True,
)  # fmt: skip
def add(values, amount, x0, y0, x1, y1, total):
    """total[y0:y1, x0:x1] += amount * values (int8, row by row)."""
    width = (x1 - x0) * 3
    k = 0
    for y in range(y0, y1):
        row = total[y].reshape(-1)[x0 * 3 : x0 * 3 + width]
        part = values[k : k + width]
        for i in range(width):
            row[i] += amount * float32(part[i])
        k += width


@njit(
    void(given(float32, 3), given(float32, 3), int32, int32, int32, int32, scratch(uint64, 2)),
    nogil=True, cache=True, fastmath=True,
)  # fmt: skip
def pack(smooth, detail, x0, y0, x1, y1, out):
    """out[y0:y1, x0:x1] = smooth (bilinear, at half the size) + detail, levels, packed for blending."""
    low, high = float32(0), float32(1022)
    near, far = float32(2 * 0.75), float32(2 * 0.25)
    for y in range(y0, y1):
        ya = y >> 1
        yb = min(max(ya + (y & 1) * 2 - 1, 0), smooth.shape[0] - 1)
        for x in range(x0, x1):
            xa = x >> 1
            xb = min(max(xa + (x & 1) * 2 - 1, 0), smooth.shape[1] - 1)
            word = uint64(0)
            for k in range(3):
                a = float32(0.75) * smooth[ya, xa, k] + float32(0.25) * smooth[ya, xb, k]
                b = float32(0.75) * smooth[yb, xa, k] + float32(0.25) * smooth[yb, xb, k]
                level = near * a + far * b + float32(2) * detail[y, x, k] + float32(BIAS + 0.5)
                word |= uint64(int32(min(max(level, low), high))) << uint64(16 * k)
            out[y, x] = word
