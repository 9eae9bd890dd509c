"""Around the jaw: neck, collar and background follow it a little, so that no edge tears (numba, one core)."""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

import numpy as np
from numba import float32, int64, njit, uint8, void
from numpy.typing import NDArray

from bithuman_core.render.footage.shading import LOOSE
from bithuman_core.render.kernel import kernel
from bithuman_core.render.signature import given, scratch

Floats = NDArray[np.float32]
RINGS = np.array([-0.05, 0.0, 0.05, 0.11, 0.18, 0.26, 0.36], np.float32)  # face widths outwards from the jaw line
SHADOW = np.array([0.0, 0.3, 1.0, 0.8, 0.45, 0.15, 0.0], np.float32)  # on these rings: the chin's, where the jaw comes down
DARKEST, FULL_DROP = 0.12, 0.12  # how dark it gets; face widths that the jaw is down by then
TWICE = 2  # points between two of the jaw line
SOFT = np.array([1, 2, 3, 2, 1], np.float32) / 9  # of the line whose normals the rings stand on


@njit(nogil=True)
def _softened(line, j, d):
    """A coordinate of a line [n, 2], of the mean about a point of it; its ends are as they are."""
    if j < 2 or j >= line.shape[0] - 2:
        return line[j, d]
    total = float32(0)
    for k in range(5):
        total += SOFT[k] * line[j - 2 + k, d]
    return total


class JawSkirt:
    """Rings of points outside of a jaw line of m points, and the triangles between them."""

    def __init__(self, points: int) -> None:
        self._steps = TWICE * (points - 1) + 1
        self._line = np.empty((3, self._steps, 2), np.float32)
        share = np.clip(np.maximum(RINGS, 0) / RINGS[-1], 0, 1)
        self._follow = (1 - share * share * (3 - 2 * share)).astype(np.float32)
        number = np.arange(len(RINGS) * self._steps).reshape(len(RINGS), self._steps)
        a, b, c, d = number[:-1, :-1].ravel(), number[:-1, 1:].ravel(), number[1:, :-1].ravel(), number[1:, 1:].ravel()
        both = [(a, b, d), (a, d, c), (a, d, b), (a, c, d)]  # either way round: the line may run to either side
        self.triangles = np.concatenate([np.stack(t, 1) for t in both]).astype(np.int32)
        self.triangles.flags.writeable = False

    def places(self, source: Floats, target: Floats, face_width: float) -> tuple[Floats, Floats, Floats]:
        """(Where the rings are [k, 2], where they go [k, 3], frame px, depth 0; their light [k], 0..1).

        source, target: the jaw line [m, 2].
        """
        count = len(RINGS) * self._steps
        where, goes = np.empty((count, 2), np.float32), np.empty((count, 3), np.float32)
        light = np.empty(count, np.float32)
        lay_rings(source, target, face_width, self._follow, self._line, where, goes, light)
        return where, goes, light

    def reach(self, where: Floats, goes: Floats, bounds: Floats) -> NDArray[np.uint8]:
        """Which points of the rings [k] move, of what :meth:`places` says. bounds [4] becomes the smallest x and y, the largest
        x and y of the triangles that have one of them, out to where nothing moves; inf, -inf of none."""
        active = np.empty(len(goes), np.uint8)
        find_loose(where, goes, self._steps, active, bounds)
        return active


@kernel(
    void(
        given(float32, 2), given(float32, 2), float32, given(float32, 1), scratch(float32, 3), scratch(float32, 2),
        scratch(float32, 2), scratch(float32, 1),
    ),
    error_model="numpy",
)  # fmt: skip
def lay_rings(source, target, face_width, share, lines, where, goes, light):
    """See :meth:`JawSkirt.places`; share [rings]: how far each goes along. lines [3, n, 2]: scratch."""
    line, move, out = lines[0], lines[1], lines[2]
    n, half = line.shape[0], float32(0.5)
    middle_x, middle_y = float32(0), float32(0)
    for j in range(n):
        a, b = j // TWICE, (j + 1) // TWICE
        for d in range(2):
            line[j, d] = half * (source[a, d] + source[b, d])
            move[j, d] = half * (target[a, d] - source[a, d] + target[b, d] - source[b, d])
        middle_x += line[j, 0] / float32(n)
        middle_y += line[j, 1] / float32(n)
    middle_y -= float32(0.1) * face_width
    faces_out = float32(0)
    for j in range(n):
        before, after = max(j - 1, 0), min(j + 1, n - 1)
        along_x = (_softened(line, after, 0) - _softened(line, before, 0)) / float32(after - before)
        along_y = (_softened(line, after, 1) - _softened(line, before, 1)) / float32(after - before)
        size = max(np.sqrt(along_x * along_x + along_y * along_y), float32(1e-6))
        out[j, 0], out[j, 1] = -along_y / size, along_x / size
        faces_out += (line[j, 0] - middle_x) * out[j, 0] + (line[j, 1] - middle_y) * out[j, 1]
    way = -face_width if faces_out < 0 else face_width
    for r in range(RINGS.shape[0]):
        for j in range(n):
            at = r * n + j
            for d in range(2):
                where[at, d] = line[j, d] + RINGS[r] * way * out[j, d]
                goes[at, d] = where[at, d] + share[r] * move[j, d]
            goes[at, 2] = float32(0)
            drop = np.sqrt(move[j, 0] * move[j, 0] + move[j, 1] * move[j, 1]) / (float32(FULL_DROP) * face_width)
            light[at] = float32(1) - float32(DARKEST) * SHADOW[r] * min(drop, float32(1))


@kernel(void(given(float32, 2), given(float32, 2), int64, scratch(uint8, 1), scratch(float32, 1)))
def find_loose(where, goes, steps, active, bounds):
    """See :meth:`JawSkirt.reach`; steps: points of a ring."""
    for k in range(goes.shape[0]):
        active[k] = uint8(max(abs(goes[k, 0] - where[k, 0]), abs(goes[k, 1] - where[k, 1])) > float32(LOOSE))
    bounds[0], bounds[1], bounds[2], bounds[3] = np.inf, np.inf, -np.inf, -np.inf
    for j in range(steps):
        moves = False
        for near in range(max(j - 1, 0), min(j + 2, steps)):
            for k in range(near, goes.shape[0], steps):
                moves |= active[k] != 0
        if moves:
            for k in range(j, goes.shape[0], steps):
                bounds[0], bounds[1] = min(bounds[0], goes[k, 0]), min(bounds[1], goes[k, 1])
                bounds[2], bounds[3] = max(bounds[2], goes[k, 0]), max(bounds[3], goes[k, 1])
