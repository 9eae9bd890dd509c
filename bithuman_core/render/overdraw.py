"""How much there is to draw: a few thousand triangles that each fill the frame would take seconds a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import ModelSecurityError
from bithuman_core.render.rig import PortraitRig

MOST_FRAMES = 64.0  # that all triangles together may cover; those of the shipped avatars cover one
CHUNK = 65536  # triangles at a time: memory stays small


def check_overdraw(rig: PortraitRig) -> None:
    """Refuse a rig whose triangles, at rest, cover the frame too often: ModelSecurityError. Before anything of it is drawn."""
    total = 0.0
    meshes = (rig.vertices, rig.triangles), (rig.backdrop_vertices, rig.backdrop_triangles)
    for vertices, triangles in meshes:
        places = _at_rest(rig, vertices)
        for first in range(0, len(triangles), CHUNK):
            total += frames_covered(places[triangles[first : first + CHUNK]], rig.size)
            if not total <= MOST_FRAMES:
                raise ModelSecurityError(f"The avatar's triangles cover more than {MOST_FRAMES:.0f} frames; the file is damaged.")


def _at_rest(rig: PortraitRig, vertices: NDArray[np.float32]) -> NDArray[np.float32]:
    """Places in the frame, px [V, 2], of vertices [V, 3] that no shape and no pose moves."""
    share = rig.distance / (rig.distance + vertices[:, 2:])
    return ((np.array(rig.centre, np.float32) + vertices[:, :2] * share) * rig.scale).astype(np.float32)


def frames_covered(corners: NDArray[np.float32], size: tuple[int, int]) -> float:
    """The area of triangles [T, 3, 2] in frames of a size: half of their boxes, of which only what lies in the frame counts."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    high, low = np.maximum(np.maximum(a, b), c), np.minimum(np.minimum(a, b), c)
    box = np.clip(high, 0, size) - np.clip(low, 0, size)
    return float(box.prod(1, dtype=np.float64).sum()) / (2 * size[0] * size[1])
