"""Geometric measures of a posed face, head unturned: what an observer reads a mouth, a brow or a lid by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import INDEX, FaceState
from bithuman_core.render import PortraitRig
from bithuman_core.render.posing import blend_shapes


def posed(rig: PortraitRig, face: FaceState) -> NDArray[np.float32]:
    """Vertices [V, 3] of a face: x right, y down, z away, px."""
    points = np.empty_like(rig.vertices)
    shapes = rig.shapes
    blend_shapes(rig.vertices, shapes.start, shapes.index, shapes.delta, rig.coefficients(face), points)
    return points





SHARE = 0.8  # of the longest way that a shape moves a vertex: those that go so far are the place it moves most


class Observer:
    """Measures faces of one rig against its neutral one, in distances between the eyes."""

    def __init__(self, rig: PortraitRig) -> None:
        self._rig = rig
        p = self._landmarks(rig.vertices)
        self._unit = float(np.linalg.norm((p[33] + p[133]) / 2 - (p[362] + p[263]) / 2))

    def _landmarks(self, points: NDArray[np.float32]) -> dict[int, NDArray[np.float32]]:
        rig = self._rig
        at = (points[rig.landmark_index] * rig.landmark_weight[..., None]).sum(axis=1)
        return {number: at[row] for number, row in rig.landmark.items()}

    def gap(self, face: FaceState) -> float:
        """How far the inner lips are apart; negative where they are pressed together."""
        p = self._landmarks(posed(self._rig, face))
        return float(p[14][1] - p[13][1]) / self._unit

    def corners(self, face: FaceState) -> tuple[float, float]:
        """How far the corners of the mouth are raised, and apart, beyond neutral."""
        p, rest = self._landmarks(posed(self._rig, face)), self._landmarks(self._rig.vertices)
        raised = (rest[61] + rest[291] - p[61] - p[291])[1] / 2
        wider = np.linalg.norm(p[61] - p[291]) - np.linalg.norm(rest[61] - rest[291])
        return float(raised) / self._unit, float(wider) / self._unit

    def raised(self, face: FaceState, shape: str) -> float:
        """How far the place that ``shape`` moves most is raised beyond neutral."""
        shapes = self._rig.shapes
        rows = slice(shapes.start[INDEX[shape]], shapes.start[INDEX[shape] + 1])
        size = np.linalg.norm(shapes.delta[rows], axis=1)
        place = shapes.index[rows][size >= SHARE * size.max()]
        return float((self._rig.vertices[place] - posed(self._rig, face)[place])[:, 1].mean()) / self._unit
