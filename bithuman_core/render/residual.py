"""What the shapes add to the skin's texture: wrinkles, blush and shadow of an expression (numba, one core).

Every row (a shape or a corrective) has a smooth part at a quarter of the texture's size and a detail at half of it, each cut
to its box. Levels are whole eighths above -255; four of them (blue, green, red and one that stays) make a pixel, which is
handled as one uint64.
"""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

from typing import Any

import numpy as np
from numba import float32, int8, int16, int32, int64, uint8, uint16, uint32, uint64, void
from numpy.typing import NDArray

from bithuman_core.render.kernel import kernel
from bithuman_core.render.rig import Residual
from bithuman_core.render.signature import given, scratch

STEPS = 8  # of a level
ZERO = 255 * STEPS  # sums go from 0 to 2 * ZERO; 16 times that still fits 16 bits
LEAST = 0.5 / 128  # steps a unit of the stored values: less rounds to nothing
HALF, SHIFT = np.uint16(8 * STEPS), np.uint16(7)  # from 16ths of a step to levels, rounded
Box = tuple[int, int, int, int]  # x0, y0, x1, y1; all 0: empty
EMPTY: Box = (0, 0, 0, 0)
Packed = NDArray[np.uint32]  # one BGRA a texel


class ResidualSum:
    """The weighted sum of residuals, laid over the texture of one session."""

    def __init__(self, smooth: Residual, detail: Residual, skin: Packed, texture: Packed, side: int) -> None:
        """skin: the neutral texture; texture: the session's own copy, written by :meth:`update`; side: px of the detail.

        The skin is the top square of both, packed BGRA, twice ``side`` px or twice that again.
        """
        self._parts = smooth, detail
        self._scales = [(STEPS * part.scale * (np.diff(part.start) > 0)).astype(np.float32) for part in self._parts]
        width = skin.shape[1]
        self._sums = (_zeros(side // 2), _zeros(side))
        self._enlarged = [_zeros(size) for size in (side, 2 * side) if size < width]
        self._touched: list[Box] = [EMPTY, EMPTY]
        self._dirty = EMPTY
        self._skin, self._texture = (t[:width].view(np.uint8).reshape(width, width, 4) for t in (skin, texture))
        self._tall, self._wide = np.zeros(side * 2 + 2, np.uint64), np.zeros(width, np.uint64)  # scratch

    def update(self, amount: NDArray[np.float32]) -> None:
        """Set the sum: amount [R] says how far every row acts."""
        for k, total in enumerate(self._sums):
            x0, y0, x1, y1 = self._touched[k]
            total[y0:y1, x0:x1] = ZERO
            steps, part = self._scales[k] * amount, self._parts[k]
            add(part.values, part.start, steps, part.box, total)
            self._touched[k] = _around(part.box[np.abs(steps) >= LEAST].tolist())
        smooth, detail = self._sums
        side = len(detail)
        now = _around([_twice(self._touched[0], side), self._touched[1]])
        stale = _around([now, self._dirty])  # what the frame before touched must be laid once more
        self._dirty = now
        if stale == EMPTY:
            return
        for k, out in enumerate(self._enlarged):
            if k == 0:
                enlarge_under(_pixels(smooth), *stale, self._tall, self._wide, detail, out)
            else:
                enlarge(_pixels(self._enlarged[k - 1]), *stale, self._tall, self._wide, _pixels(out))
            stale = _twice(stale, 2 * len(out))
        lay(_pixels(self._enlarged[-1]), *stale, self._tall, self._wide, self._skin, self._texture)


def _zeros(side: int) -> NDArray[np.int16]:
    return np.full((side, side, 4), ZERO, np.int16)


def _pixels(picture: NDArray[np.int16]) -> NDArray[np.uint64]:
    return picture.view(np.uint64)[..., 0]


def _twice(box: Box, side: int) -> Box:
    """The box in a picture of twice the size, with the px that bilinear sampling reaches beyond."""
    x0, y0, x1, y1 = box
    return EMPTY if x1 == 0 else (max(2 * x0 - 2, 0), max(2 * y0 - 2, 0), min(2 * x1 + 2, side), min(2 * y1 + 2, side))


def _around(boxes: list[Any]) -> Box:
    """The box around all that are not empty."""
    boxes = [box for box in boxes if box[2]]
    if not boxes:
        return EMPTY
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


@kernel(
    void(given(int8, 1), given(int64, 1), given(float32, 1), given(int32, 2), scratch(int16, 3)),
    fastmath=True,
)  # fmt: skip
def add(values, start, amount, box, total):
    """total += amount[r] * values of every row r (int8, from start[r] on) in its box [r] (x0, y0, x1, y1), rounded and kept
    inside 0 to 2 * ZERO."""
    lift = float32(16384.5)  # truncation then rounds
    for r in range(amount.shape[0]):
        if abs(amount[r]) < float32(LEAST):
            continue
        share, k = amount[r], start[r]
        left, width = int64(box[r, 0]) * 4, int64(box[r, 2] - box[r, 0]) * 4
        for y in range(box[r, 1], box[r, 3]):
            row = total[y].reshape(-1)[left : left + width]
            part = values[k : k + width]
            for i in range(width):
                level = int32(row[i]) + int32(share * float32(part[i]) + lift) - int32(16384)
                row[i] = int16(min(max(level, int32(0)), int32(2 * ZERO)))
            k += width


@kernel(
    void(given(uint64, 2), int64, int64, int64, scratch(uint64, 1), scratch(uint64, 1)),
)  # fmt: skip
def _enlarged_row(picture, y, x0, x1, tall, wide):
    """wide: row y of the picture at twice the size (bilinear), times 16, in the columns 2 * x0 to 2 * x1."""
    height, width = picture.shape
    near, far = picture[y >> 1], picture[min(max((y >> 1) + 2 * (y & 1) - 1, 0), height - 1)]
    # tall, scratch, begins one pixel left of the picture.
    for x in range(uint32(max(x0 - 1, 0)), uint32(min(x1 + 1, width))):
        tall[x + uint64(1)] = near[x] * uint64(3) + far[x]
    tall[0], tall[width + 1] = tall[1], tall[width]
    for x in range(uint32(x0), uint32(x1)):
        middle = tall[x + uint64(1)] * uint64(3)
        wide[uint64(2) * x] = middle + tall[x]
        wide[uint64(2) * x + uint64(1)] = middle + tall[x + uint64(2)]


@kernel(
    void(given(uint64, 2), int64, int64, int64, int64, scratch(uint64, 1), scratch(uint64, 1), scratch(uint64, 2)),
)  # fmt: skip
def enlarge(picture, x0, y0, x1, y1, tall, wide, out):
    """out[y0:y1, x0:x1] = the picture at twice the size, bilinear."""
    for y in range(y0, y1):
        _enlarged_row(picture, y, x0 >> 1, (x1 + 1) >> 1, tall, wide)
        row, values = out[y].view(np.uint16), wide.view(np.uint16)
        for i in range(uint32(4 * x0), uint32(4 * x1)):
            row[i] = uint16(values[i] + uint16(8)) >> uint16(4)


@kernel(
    void(
        given(uint64, 2), int64, int64, int64, int64, scratch(uint64, 1), scratch(uint64, 1), given(int16, 3),
        scratch(int16, 3),
    ),
)  # fmt: skip
def enlarge_under(picture, x0, y0, x1, y1, tall, wide, detail, out):
    """out[y0:y1, x0:x1] = the picture at twice the size, bilinear, and the detail, kept inside 0 to 2 * ZERO."""
    for y in range(y0, y1):
        _enlarged_row(picture, y, x0 >> 1, (x1 + 1) >> 1, tall, wide)
        row, more, values = out[y].reshape(-1), detail[y].reshape(-1), wide.view(np.uint16)
        for i in range(uint32(4 * x0), uint32(4 * x1)):
            level = int16(uint16(values[i] + uint16(8)) >> uint16(4)) + more[i] - int16(ZERO)
            row[i] = int16(min(max(level, int16(0)), int16(2 * ZERO)))


@kernel(
    void(
        given(uint64, 2), int64, int64, int64, int64, scratch(uint64, 1), scratch(uint64, 1), given(uint8, 3),
        scratch(uint8, 3),
    ),
)  # fmt: skip
def lay(picture, x0, y0, x1, y1, tall, wide, skin, out):
    """out[y0:y1, x0:x1] = skin + the picture at twice its size, bilinear, in levels."""
    for y in range(y0, y1):
        _enlarged_row(picture, y, x0 >> 1, (x1 + 1) >> 1, tall, wide)
        row, plain, values = out[y].reshape(-1), skin[y].reshape(-1), wide.view(np.uint16)
        for i in range(uint32(4 * x0), uint32(4 * x1)):
            level = int16(int16(plain[i]) + int16(uint16(values[i] + HALF) >> SHIFT) - int16(255))
            row[i] = uint8(min(max(level, int16(0)), int16(255)))
