"""Pictures as the film has them, brightness and two planes of colour: moved by parts of a pixel, and mixed (numba, one core).

Half the samples of a coloured picture, and colour may be softer than brightness.
"""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

from math import floor
from typing import NamedTuple

import numpy as np
from numba import float32, int64, njit, uint8, uint64, void
from numpy.typing import NDArray

from bithuman_core.render.footage.shading import SHARP, STILL
from bithuman_core.render.kernel import CAREFUL, kernel
from bithuman_core.render.signature import given, scratch


class Planes(NamedTuple):
    """A picture h x w px: uint8 y [h, w], u and v [h / 2, w / 2], BT.601 limited range."""

    y: NDArray[np.uint8]
    u: NDArray[np.uint8]
    v: NDArray[np.uint8]

    @classmethod
    def of(cls, whole: NDArray[np.uint8]) -> Planes:
        """Of one array [h * 3 / 2, w] that holds them one after the other."""
        height, width = whole.shape[0] * 2 // 3, whole.shape[1]
        u, v = whole[height:].reshape(2, height // 2, width // 2)
        return cls(whole[:height], u, v)

    @classmethod
    def empty(cls, size: tuple[int, int]) -> Planes:
        """Room for a picture of width x height."""
        return cls.of(np.empty((size[1] * 3 // 2, size[0]), np.uint8))


@njit(nogil=True, fastmath=CAREFUL, error_model="numpy", inline="always")
def _cubic(t):
    """Weight of a sample at distance t (px): cubic convolution (Keys 1981)."""
    t, a = abs(t), float32(SHARP)
    near = ((a + float32(2)) * t - (a + float32(3))) * t * t + float32(1)
    far = a * (((t - float32(5)) * t + float32(8)) * t - float32(4))
    return near if t < float32(1) else (far if t < float32(2) else float32(0))


@kernel(
    void(given(uint8, 2), given(float32, 3), int64, float32, scratch(float32, 2), scratch(uint8, 2)),
    fastmath=CAREFUL, error_model="numpy",
)  # fmt: skip
def move_sharply(plane, field, step, pace, room, out):
    """out [h, w] = the plane, fetched aside; the outermost tiles of ``step`` px as they are.

    field [h / step + 1, w / step + 1, 2]: how far aside, x and y, linear between its nodes; pace: px to a unit of it. room
    [8, step]: scratch. Within a tile it may stretch by an eighth: six samples aside and down serve a whole line of it, so that
    the processor takes many px at once.
    """
    tall, wide = plane.shape[0], plane.shape[1]
    flat, to = plane.reshape(-1), out.reshape(-1)
    half, whole = float32(0.5), float32(step)
    columns, rows, every = wide // step, tall // step, uint64(step)  # unsigned: whole numbers that may be negative are slow
    for k in range(every):
        room[6, k] = float32(k) + half
    for y in range(tall):
        row = y // step
        t = (float32(y - row * step) + half) / whole
        for column in range(columns):
            begin = column * step
            here = uint64(y * wide + begin)
            x0 = pace * (field[row, column, 0] + t * (field[row + 1, column, 0] - field[row, column, 0]))
            x1 = pace * (field[row, column + 1, 0] + t * (field[row + 1, column + 1, 0] - field[row, column + 1, 0]))
            y0 = pace * (field[row, column, 1] + t * (field[row + 1, column, 1] - field[row, column, 1]))
            y1 = pace * (field[row, column + 1, 1] + t * (field[row + 1, column + 1, 1] - field[row, column + 1, 1]))
            outermost = row == 0 or column == 0 or row == rows - 1 or column == columns - 1
            if outermost or max(abs(x0), abs(x1), abs(y0), abs(y1)) < float32(STILL):
                for k in range(every):
                    to[here + k] = flat[here + k]
                continue
            aside = min(max(int64(floor(min(x0, x1))), 1 - begin), wide - 6 - step - begin)
            down = min(max(int64(floor(min(y0, y1))), 1 - y), tall - 6 - y)
            x, dx, v, dv = x0 - float32(aside), (x1 - x0) / whole, y0 - float32(down), (y1 - y0) / whole
            at = uint64((y + down - 1) * wide + begin + aside - 1)
            for k in range(every):
                far = x + room[6, k] * dx
                room[0, k], room[1, k], room[2, k] = _cubic(far + float32(1)), _cubic(far), _cubic(far - float32(1))
                room[3, k], room[4, k] = _cubic(far - float32(2)), _cubic(far - float32(3))
                room[5, k] = _cubic(far - float32(4))
                room[7, k] = half
            for line in range(6):
                high, p = v + float32(1 - line), at + uint64(line * wide)
                for k in range(every):
                    q = p + k
                    colour = room[0, k] * float32(flat[q]) + room[1, k] * float32(flat[q + uint64(1)])
                    colour += room[2, k] * float32(flat[q + uint64(2)]) + room[3, k] * float32(flat[q + uint64(3)])
                    colour += room[4, k] * float32(flat[q + uint64(4)]) + room[5, k] * float32(flat[q + uint64(5)])
                    room[7, k] += _cubic(high + room[6, k] * dv) * colour
            for k in range(every):
                to[here + k] = uint8(min(max(room[7, k], float32(0)), float32(255)))


@kernel(void(given(uint8, 2), given(uint8, 2), float32, float32, scratch(uint8, 2)), fastmath=CAREFUL, error_model="numpy")
def mix(first, second, share, sharper, out):
    """out [h, w] = first going over to ``second`` by ``share`` 0..1, plus ``sharper`` of what is not in its neighbours; the
    picture's edge as it is."""
    tall, wide = uint64(out.shape[0]), uint64(out.shape[1])
    one, two, flat = first.reshape(-1), second.reshape(-1), out.reshape(-1)
    a, b, half, next_ = float32(1) - share, share, float32(0.5), uint64(1)
    for k in range(tall * wide):
        flat[k] = uint8(a * float32(one[k]) + b * float32(two[k]) + half)
    if sharper == float32(0):
        return
    whole_a, whole_b = a * (float32(1) + float32(4) * sharper), b * (float32(1) + float32(4) * sharper)
    part_a, part_b = a * sharper, b * sharper
    for y in range(next_, tall - next_):
        for x in range(next_, wide - next_):
            k = y * wide + x
            c = float32(one[k - next_]) + float32(one[k + next_]) + float32(one[k - wide]) + float32(one[k + wide])
            d = float32(two[k - next_]) + float32(two[k + next_]) + float32(two[k - wide]) + float32(two[k + wide])
            value = whole_a * float32(one[k]) + whole_b * float32(two[k]) - part_a * c - part_b * d
            flat[k] = uint8(min(max(value + half, float32(0)), float32(255)))
