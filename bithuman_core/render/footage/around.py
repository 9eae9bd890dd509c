"""Around the jaw: neck, collar and background follow it a little, so that no edge tears."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
RINGS = np.array([-0.05, 0.0, 0.05, 0.11, 0.18, 0.26, 0.36], np.float32)  # face widths outwards from the jaw line
SHADOW = np.array([0.0, 0.3, 1.0, 0.8, 0.45, 0.15, 0.0], np.float32)  # on these rings: the chin's, where the jaw comes down
DARKEST, FULL_DROP = 0.12, 0.12  # how dark it gets; face widths that the jaw is down by then
TWICE = 2  # points between two of the jaw line
SOFT = np.array([1, 2, 3, 2, 1], np.float32) / 9  # of the line whose normals the rings stand on


class JawSkirt:
    """Rings of points outside of a jaw line of m points, and the triangles between them."""

    def __init__(self, points: int) -> None:
        self._steps = TWICE * (points - 1) + 1
        self._at = np.linspace(0, points - 1, self._steps)
        self._points = np.arange(points)
        share = np.clip(np.maximum(RINGS, 0) / RINGS[-1], 0, 1)
        self._follow = (1 - share * share * (3 - 2 * share)).astype(np.float32)
        number = np.arange(len(RINGS) * self._steps).reshape(len(RINGS), self._steps)
        a, b, c, d = number[:-1, :-1].ravel(), number[:-1, 1:].ravel(), number[1:, :-1].ravel(), number[1:, 1:].ravel()
        both = [(a, b, d), (a, d, c), (a, d, b), (a, c, d)]  # either way round: the line may run to either side
        self.triangles = np.concatenate([np.stack(t, 1) for t in both]).astype(np.int32)
        self.triangles.flags.writeable = False

    def places(self, source: Floats, target: Floats, face_width: float) -> tuple[Floats, Floats, Floats]:
        """(Where the rings are [k, 3], where they go [k, 3], frame px, depth 0; their light [k], 0..1).

        source, target: the jaw line [m, 2].
        """
        both = source, target - source
        line, move = (np.stack([np.interp(self._at, self._points, v[:, d]) for d in (0, 1)], 1) for v in both)
        soft = line.copy()
        soft[2:-2] = sum(w * line[k : len(line) - 4 + k] for k, w in enumerate(SOFT))
        along = np.gradient(soft, axis=0)
        out = np.stack([-along[:, 1], along[:, 0]], 1)
        out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-6)
        middle = line.mean(0) - (0, 0.1 * face_width)
        out *= np.sign(((line - middle) * out).sum(1).mean()) or 1.0
        where = np.zeros((len(RINGS), self._steps, 3), np.float32)
        where[..., :2] = line[None] + RINGS[:, None, None] * face_width * out[None]
        goes = where.copy()
        goes[..., :2] += self._follow[:, None, None] * move[None]
        drop = np.clip(np.linalg.norm(move, axis=1) / (FULL_DROP * face_width), 0, 1)
        light = 1 - DARKEST * SHADOW[:, None] * drop
        return where.reshape(-1, 3), goes.reshape(-1, 3), light.astype(np.float32).ravel()

    def reach(self, places: Floats, active: NDArray[np.uint8]) -> Floats:
        """x and y of the rings' places [k, 3], of all triangles that have an active point [k]: out to where nothing moves."""
        columns = np.convolve(active.reshape(len(RINGS), -1).any(0), [1, 1, 1], "same") > 0
        return places.reshape(len(RINGS), -1, 3)[:, columns, :2].reshape(-1, 2)
