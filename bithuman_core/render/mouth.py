"""Light inside the mouth: what the open lips let in."""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

import numpy as np
from numba import float32, int32, uint16, void
from numpy.typing import NDArray

from bithuman_core.render.kernel import kernel
from bithuman_core.render.rig import PortraitRig
from bithuman_core.render.signature import given, scratch
from bithuman_core.render.texel import MOUTH

# Measured on path-traced mouths. Lengths are fractions of the face width.
DEPTH = (0.1, 0.25)  # behind the lips, where light has fallen to 1/e: closed lips, and what each length of opening adds
NARROW = 0.0035  # height of the opening that lets half of it in, right behind the lips
LIP_SHADOW = 0.02  # below the upper lip, where its shadow ends
SHADE = 0.6  # what the shadow of the upper lip leaves
STRENGTH = 1.15
NARROWEST = 5e-4  # half of the mouth's width at least
# Deep in the mouth light has met red tissue: blue and green fade faster. Exponents of brightness for blue, green, red.
TINT = (1.12, 1.06, 0.86)


def tint_table(ambient: float, warmth: float = 1.0) -> NDArray[np.int64]:
    """Factors (256 = 1) for blue, green, red by brightness 0..255: int64 [256, 3]; ambient 0..1: light where none falls in.

    warmth 0..1: how far red tissue tints it; 0 in avatars without colours.
    """
    level = ambient + (1 - ambient) * np.linspace(0, 1, 256)[:, None]
    return np.round(256 * level ** (1 + (np.array(TINT) - 1) * warmth)).astype(np.int64)


class MouthLight:
    """Brightness of the mouth's vertices for posed lips."""

    def __init__(self, rig: PortraitRig) -> None:
        rows = [rig.landmark[n] for n in (13, 14, 61, 291)]
        self._index = np.ascontiguousarray(rig.landmark_index[rows])
        self._weight = np.ascontiguousarray(rig.landmark_weight[rows])
        self._inside = np.unique(rig.triangles[rig.part == MOUTH]).astype(np.int32)
        self._unit, self._cover = rig.face_width, rig.mouth_cover

    def light(self, points: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """Write the brightness 0..255 of the mouth's vertices to out [V]; points [V, 3] are posed, head straight."""
        _light(points, self._index, self._weight, self._inside, self._unit, self._cover, out)


@kernel(
    void(
        given(float32, 2), given(uint16, 2), given(float32, 2), given(int32, 1), float32, float32, scratch(float32, 1),
    ),
    fastmath=True, error_model="numpy",
)  # fmt: skip
def _light(points, index, weight, inside, unit, cover, out):
    lips = np.zeros((4, 3), np.float32)  # upper, lower, image left, image right
    for k in range(4):
        for j in range(3):
            for d in range(3):
                lips[k, d] += weight[k, j] * points[index[k, j], d]
    one, zero = float32(1), float32(0)
    gap = max(lips[1, 1] - lips[0, 1], zero)
    half_width = max((lips[3, 0] - lips[2, 0]) * float32(0.5), float32(NARROWEST) * unit)
    middle = (lips[2, 0] + lips[3, 0]) * float32(0.5)
    corner = (lips[2, 1] + lips[3, 1]) * float32(0.5)
    front = (lips[0, 2] + lips[1, 2]) * float32(0.5)
    reach = float32(DEPTH[0]) * unit + float32(DEPTH[1]) * gap
    for k in range(inside.shape[0]):
        v = inside[k]
        across = (points[v, 0] - middle) / half_width
        bow = max(one - across * across, zero)  # the lips' lines are taken as parabolas through the corners
        opening = gap * bow
        upper = corner + (lips[0, 1] - corner) * bow
        behind = max(points[v, 2] - front, zero)
        far = behind / reach
        deep = np.exp(-far * np.sqrt(far))
        below = min(max((points[v, 1] - upper) / (float32(LIP_SHADOW) * unit), zero), one)
        shadow = float32(SHADE) + float32(1 - SHADE) * below * (float32(2) - below)
        taken = float32(NARROW) * unit + cover * behind  # height of the opening that lets half of the light in
        out[v] = float32(255) * min(float32(STRENGTH) * deep * shadow * opening / (opening + taken), one)
