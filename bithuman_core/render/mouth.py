"""Light inside the mouth: what the open lips let in."""

from __future__ import annotations

import numpy as np
from numba import float32, int32, njit, uint16, void
from numpy.typing import NDArray

from bithuman_core.render.rig import PortraitRig
from bithuman_core.render.signature import given, scratch

MOUTH = 2  # part number of the mouth's triangles


class MouthLight:
    """Brightness of the mouth's vertices for posed lips."""

    def __init__(self, rig: PortraitRig) -> None:
        rows = [rig.landmark[n] for n in (13, 14, 61, 291)]
        self._index = np.ascontiguousarray(rig.landmark_index[rows])
        self._weight = np.ascontiguousarray(rig.landmark_weight[rows])
        self._inside = np.unique(rig.triangles[rig.part == MOUTH]).astype(np.int32)

    def light(self, points: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """Write the brightness 0..1 of the mouth's vertices to out [V]; points [V, 3] are posed, head straight."""
        _light(points, self._index, self._weight, self._inside, out)


@njit(
    void(
        given(float32, 2), given(uint16, 2), given(float32, 2), given(int32, 1), scratch(float32, 1),
    ),
    nogil=True, cache=True, fastmath=True,
)  # fmt: skip
def _light(points, index, weight, inside, out):
    lips = np.zeros((4, 3), np.float32)  # upper, lower, image left, image right
    for k in range(4):
        for j in range(3):
            for d in range(3):
                lips[k, d] += weight[k, j] * points[index[k, j], d]
    gap = max(lips[1, 1] - lips[0, 1], np.float32(0))
    half_width = (lips[3, 0] - lips[2, 0]) * np.float32(0.5)
    cx = (lips[2, 0] + lips[3, 0]) * np.float32(0.5)
    cy = (lips[0, 1] + lips[1, 1]) * np.float32(0.5)
    front = (lips[0, 2] + lips[1, 2]) * np.float32(0.5)
    radius = np.sqrt(gap * half_width * np.float32(0.6)) + np.float32(2)
    for k in range(inside.shape[0]):
        v = inside[k]
        dz = max(points[v, 2] - front, np.float32(0))
        dx = max(abs(points[v, 0] - cx) - half_width * np.float32(0.6), np.float32(0))
        dy = max(abs(points[v, 1] - cy) - gap * np.float32(0.5), np.float32(0))
        d2 = dz * dz + dx * dx + np.float32(2) * dy * dy
        out[v] = min(np.float32(0.95) * radius * radius / (radius * radius + d2 * np.float32(0.5)), np.float32(1))
