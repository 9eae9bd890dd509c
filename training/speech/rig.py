"""How far the lips of the reference character open for given coefficients: a linear model of its landmarks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# What the net drives. Left and right are one output each pair: speech is symmetrical.
DRIVEN: tuple[str, ...] = (
    "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthSmile", "mouthStretch", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper", "mouthPress", "mouthLowerDown", "mouthUpperUp",
)  # fmt: skip
PAIRED = frozenset({"mouthSmile", "mouthStretch", "mouthPress", "mouthLowerDown", "mouthUpperUp"})
DRIVEN_INDEX = {name: i for i, name in enumerate(DRIVEN)}


def arkit_names() -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """The ARKit names of the mouth output, and for each of them its column in :data:`DRIVEN`."""
    names, columns = [], []
    for i, name in enumerate(DRIVEN):
        for side in ("Left", "Right") if name in PAIRED else ("",):
            names.append(name + side)
            columns.append(i)
    return tuple(names), np.array(columns)


class LipModel:
    """Signed inner-lip gap (landmarks 13, 14; down is open) and mouth width (61, 291) / interocular distance.

    ``gap = rest_gap + coefficients @ gap_of`` with coefficients float32 [..., 13] in the order of :data:`DRIVEN`.
    """

    def __init__(self, landmarks: Path) -> None:
        z = np.load(landmarks)
        names, points = list(z["names"]), z["mediapipe478"][..., :2].astype(np.float64)
        rest = points[names.index("neutral")]
        eyes = (rest[33] + rest[133] - rest[362] - rest[263]) / 2
        interocular = float(np.linalg.norm(eyes))
        self.rest_gap = float(rest[14, 1] - rest[13, 1]) / interocular
        self.rest_width = float(rest[291, 0] - rest[61, 0]) / interocular
        gap, width = [], []
        for name in DRIVEN:
            shapes = [name + side for side in ("Left", "Right")] if name in PAIRED else [name]
            moved = np.sum([points[names.index(s)] - rest for s in shapes], axis=0)
            gap.append((moved[14, 1] - moved[13, 1]) / interocular)
            width.append((moved[291, 0] - moved[61, 0]) / interocular)
        self.gap_of = np.array(gap, np.float32)
        self.width_of = np.array(width, np.float32)

    def gap(self, coefficients: NDArray[np.float32]) -> NDArray[np.float32]:
        """Signed gap of coefficients [..., 13]; negative where the lips press into each other."""
        return self.rest_gap + coefficients @ self.gap_of

    def width(self, coefficients: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.rest_width + coefficients @ self.width_of
