"""What is seen between parted lips: the grid that carries it, and the mix of pictures that are most alike (numba, one core)."""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

import numpy as np
from numba import float32, int64, types, void
from numpy.typing import NDArray

from bithuman_core.render.kernel import kernel
from bithuman_core.render.signature import given, scratch

Floats = NDArray[np.float32]
COLUMNS = 21  # points of a lip, from corner to corner
UPPER, LOWER = np.arange(COLUMNS), np.r_[0, np.arange(39, 19, -1)]  # of the ring of the inner lips, from the image-left corner
MIDDLE = (6, 15)  # of the points of a lip: where its gap is measured
UNDER_LIPS = 0.8  # px by which the inside goes on under the lips
INSIDE, PARTED = 1.7, 4.0  # px (512 px frames) from the lips to where pictures begin; less where lips are nearer than that
SHOWN_FROM = 0.5  # of it: where they are drawn from, for the lips of many are found some of that inside
TOGETHER = 0.3  # px: the way between lips as near is straight down
GAP_OFFSET, GAP_UNIT, WIDTH_UNIT = 0.012, 0.22, 0.035  # face widths: how alike two openings are, see features()
KIN = 0.5  # sigma, of the features: which pictures are blended
LEAST_SHARE = 0.05


def features(gap: Floats, width: Floats) -> Floats:
    """What openings are compared by: two numbers, a unit apart where they look different."""
    return np.stack([np.log(gap + GAP_OFFSET) / GAP_UNIT, width / WIDTH_UNIT], -1).astype(np.float32)


@kernel(types.UniTuple(float32, 3)(given(float32, 2), float32, scratch(float32, 3)), error_model="numpy")
def part_lips(ring, unit, grid):
    """(Gap of the inner lips, a ring [40, 2]; gap and width of what is seen between them), px.

    unit: px to one of a 512 px frame. grid [rows, 21, 3]: its first and last row are laid under the lips, the ones beside these
    where pictures begin.
    """
    last, way = grid.shape[0] - 1, np.empty(2, np.float32)
    opened, gap, share = float32(0), float32(0), float32(1) / float32(MIDDLE[1] - MIDDLE[0])
    for n in range(COLUMNS):
        upper, lower = ring[UPPER[n]], ring[LOWER[n]]
        way[0], way[1] = lower[0] - upper[0], lower[1] - upper[1]
        far = np.sqrt(way[0] * way[0] + way[1] * way[1])
        if far > float32(TOGETHER):
            way /= far
        else:
            way[0], way[1] = float32(0), float32(1)
        inwards = float32(SHOWN_FROM * INSIDE) * unit * min(far / (float32(PARTED) * unit), float32(1))
        across = float32(0)
        for d in range(2):
            under = float32(UNDER_LIPS) * way[d]
            grid[0, n, d], grid[last, n, d] = upper[d] - under, lower[d] + under
            grid[1, n, d], grid[last - 1, n, d] = upper[d] + inwards * way[d], lower[d] - inwards * way[d]
            across += (grid[last - 1, n, d] - grid[1, n, d]) ** 2
        if MIDDLE[0] <= n < MIDDLE[1]:
            opened += share * far
            gap += share * np.sqrt(across)
    x, y = grid[1, COLUMNS - 1, 0] - grid[1, 0, 0], grid[1, COLUMNS - 1, 1] - grid[1, 0, 1]
    return opened, gap, np.sqrt(x * x + y * y)


@kernel(void(float32, scratch(float32, 3), scratch(float32, 1)), error_model="numpy")
def spread_rows(taller, grid, light):
    """Lay the four middle rows of a grid [8, 21, 3] between those that :func:`part_lips` laid: the halves of a picture stay
    with their lips where the mouth is ``taller`` than it. light [8 * 21]: of the grid, darker in the middle then."""
    part, most = float32(0.5) / taller, float32(1) - float32(0.6) * min(taller - float32(1), float32(1))
    down = (float32(0.5) * part, part, float32(1) - part, float32(1) - float32(0.5) * part)
    last = grid.shape[0] - 1
    light[:] = float32(1)
    grid[:, :, 2] = float32(0)
    for n in range(COLUMNS):
        light[3 * COLUMNS + n] = light[4 * COLUMNS + n] = most
        for d in range(2):
            for k in range(4):
                grid[k + 2, n, d] = grid[1, n, d] * (float32(1) - down[k]) + grid[last - 1, n, d] * down[k]


@kernel(
    float32(given(float32, 2), given(float32, 1), float32, float32, float32, scratch(float32, 1), scratch(float32, 1)),
    error_model="numpy",
)  # fmt: skip
def choose(told, gaps, gap, width, kept, blend, share):
    """How much of each of k pictures is seen in an opening, gap and width in face widths: share [k], sum 1. Returns the gap of
    that mix.

    told [k, 2] and gaps [k]: the pictures' features and gaps; blend [k]: of the tick before, of which ``kept`` stays, becomes
    that of this one.
    """
    tall, wide = np.log(gap + float32(GAP_OFFSET)) / float32(GAP_UNIT), width / float32(WIDTH_UNIT)
    nearest, total, most = float32(np.inf), float32(0), float32(0)
    for k in range(share.shape[0]):
        share[k] = (told[k, 0] - tall) ** 2 + (told[k, 1] - wide) ** 2
        nearest = min(nearest, share[k])
    for k in range(share.shape[0]):
        share[k] = np.exp((nearest - share[k]) / float32(2 * KIN * KIN))
        total += share[k]
    for k in range(share.shape[0]):
        blend[k] = (float32(1) - kept) * share[k] / total + kept * blend[k]
        most = max(most, blend[k])
    least, used, mixed = min(float32(LEAST_SHARE), most), float32(0), float32(0)  # of many that are alike none may have much
    for k in range(share.shape[0]):
        share[k] = blend[k] if blend[k] >= least else float32(0)
        used += share[k]
    for k in range(share.shape[0]):
        share[k] /= used
        mixed += share[k] * gaps[k]
    return mixed


@kernel(
    void(
        given(float32, 4), given(float32, 1), given(float32, 1), given(float32, 3), given(float32, 3), float32,
        scratch(float32, 3),
    ),
    fastmath=True,
)  # fmt: skip
def mix_pictures(pictures, share, lips, shade, clear, strength, out):
    """out [h, w, 3] = a mix of pictures [k, h, w, 3] by their share [k], before the lips' own colour [3] times shade [h, w, 3]:
    strength * clear [h, w, 1] of it is seen."""
    flat, first = out.reshape(-1), int64(1)
    for k in range(share.shape[0]):
        part, picture = share[k], pictures[k].reshape(-1)
        if part > 0 and first:
            for i in range(flat.shape[0]):
                flat[i] = part * picture[i]
            first = int64(0)
        elif part > 0:
            for i in range(flat.shape[0]):
                flat[i] += part * picture[i]
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            seen = strength * clear[y, x, 0]
            for c in range(3):
                shaded = lips[c] * shade[y, x, c]
                out[y, x, c] = shaded + seen * (out[y, x, c] - shaded)
