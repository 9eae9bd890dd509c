"""Lips that are soft: so near, they touch; once they part, their edge is taken from within them (numba, one core)."""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

import numpy as np
from numba import float32, njit, uint16, void

from bithuman_core.render.footage.mouth_patch import COLUMNS, LOWER, UPPER
from bithuman_core.render.kernel import kernel
from bithuman_core.render.signature import given, scratch

RIM = 0.6  # px (512 px frames): how far the lips' edge is taken from within the lip once they part: the line of the closed mouth
PARTED = (0.8, 3.3)  # px of gap from where to where
TOUCHING = (1.2, 2.9)  # px (512 px frames): so near lips, which are soft, touch; beyond, they are as far apart as they are told
OPPOSITE = np.zeros(2 * (COLUMNS - 1), np.int64)  # of the ring of the inner lips: the point of the other lip
OPPOSITE[UPPER], OPPOSITE[LOWER[1:-1]], OPPOSITE[COLUMNS - 1] = LOWER, UPPER[1:-1], COLUMNS - 1


@njit(nogil=True)
def _between(value, ends):
    """0..1 as the value is from the first to the last of two."""
    return min(max((value - float32(ends[0])) / float32(ends[1] - ends[0]), float32(0)), float32(1))


@kernel(void(given(uint16, 2), given(float32, 2), given(float32, 2), scratch(float32, 2)))
def lay_ring(rows, weight, points, out):
    """out [n, 2]: x and y of a ring, of rows [n, 3] of points [V, 3] and their weights [n, 3]."""
    for n in range(out.shape[0]):
        for d in range(2):
            at = float32(0)
            for k in range(rows.shape[1]):
                at += points[rows[n, k], d] * weight[n, k]
            out[n, d] = at


@kernel(
    float32(
        given(float32, 2), given(float32, 2), float32, scratch(float32, 2), scratch(float32, 2), scratch(float32, 2),
        scratch(float32, 2),
    ),
    error_model="numpy",
)  # fmt: skip
def touch(at_rest, outer, unit, lips, closing, rim, edge):
    """Bring the inner lips, a ring [40, 2] px, together where they are near. Returns the widest gap that is left, px.

    at_rest, outer: the rings of the inner and outer lips where the picture shows them; unit: px to one of a 512 px frame.
    Each [2, 40]: closing: how a point was moved; rim: how far from its place at rest its colour is taken; edge: where.
    """
    widest = float32(0)
    for n in range(lips.shape[0]):
        x, y = lips[OPPOSITE[n], 0] - lips[n, 0], lips[OPPOSITE[n], 1] - lips[n, 1]
        gap = np.sqrt(x * x + y * y)
        free = _between(gap / unit, TOUCHING)
        free *= free * (float32(3) - float32(2) * free)
        near = float32(0.5) * (float32(1) - free)
        closing[0, n], closing[1, n] = near * x, near * y
        gap *= free
        widest = max(widest, gap)
        x, y = at_rest[n, 0] - outer[n, 0], at_rest[n, 1] - outer[n, 1]
        within = float32(-RIM) * unit * _between(gap / unit, PARTED) / max(np.sqrt(x * x + y * y), float32(1e-3))
        rim[0, n], rim[1, n] = within * x, within * y
        edge[0, n], edge[1, n] = at_rest[n, 0] + rim[0, n], at_rest[n, 1] + rim[1, n]
    for n in range(lips.shape[0]):
        lips[n, 0] += closing[0, n]
        lips[n, 1] += closing[1, n]
    return widest


@kernel(void(given(float32, 2), given(float32, 2), given(uint16, 1), float32, scratch(float32, 2)), fastmath=True)
def follow(share, moves, rows, kept, out):
    """x and y of rows [n] of out: ``kept`` of them, and what they get of the moves [2, k] of a ring by their share [n, k]."""
    for n in range(share.shape[0]):
        x, y = float32(0), float32(0)
        for k in range(share.shape[1]):
            x += share[n, k] * moves[0, k]
            y += share[n, k] * moves[1, k]
        row = rows[n]
        out[row, 0], out[row, 1] = kept * out[row, 0] + x, kept * out[row, 1] + y
