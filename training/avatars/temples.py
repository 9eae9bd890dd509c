"""Skin that hair hides in the neutral face and a turn of the head uncovers: the strip between sideburn and ear.

Hair in front lies in the backdrop, which the head is drawn over, so skin under it has alpha 0. What the neutral does not draw
anyway, because it looks away or lies behind the band at the side of the hair (outline.py), may be opaque where a turn shows it,
in the colour that the calibration frame of that turn has there: skin, or the strands that cover it.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.build.shape.raster import at, raster
from training.avatars import outline
from training.avatars.atlas import Texels
from training.avatars.fit import Frame
from training.avatars.mesh import Mesh
from training.avatars.source import CANVAS, Bake
from training.avatars.surface import LASH

TURNS = (4.0, 8.0, 12.0)  # degrees of yaw to either side
BEHIND = 2.0  # px: depth by which something hides a texel
FACING = 0.08  # cosine to the view from which a texel counts as shown


def uncovered(bake: Bake, mesh: Mesh, tx: Texels, turned: dict[float, Frame]) -> tuple[Array, Array]:
    """Which texels [size, size] the neutral does not draw and a turned head shows, and their colour [size, size, 3] there.

    turned: the frames of the neutral face by their yaw, +-outline.SEEN_AT among them.
    """
    shown, colour = np.zeros(len(tx.corners), bool), np.zeros((len(tx.corners), 3), np.float32)
    for side in (-1, 1):
        picture = turned[side * outline.SEEN_AT].picture
        p = at(bake.project(outline.turn(mesh.neutral, mesh.weight, side * outline.SEEN_AT, bake.pivot)), tx.corners, tx.weights)
        place = [p[:, k] * len(picture) / CANVAS - 0.5 for k in (1, 0)]
        seen = np.stack([ndimage.map_coordinates(picture[..., k], place, order=1, mode="nearest") for k in range(3)], 1)
        for degrees in (side * turn for turn in TURNS):
            points = outline.turn(mesh.neutral, mesh.weight, degrees, bake.pivot)
            new = _drawn(bake, mesh, tx, points, mesh.triangles[mesh.part != LASH]) & ~shown
            colour[new] = seen[new]
            shown |= new
    strip = tx.image((shown & ~_drawn(bake, mesh, tx, mesh.neutral, mesh.triangles)).astype(np.float32)).astype(bool)
    return np.asarray(ndimage.binary_opening(strip)), tx.image(colour)


def _drawn(bake: Bake, mesh: Mesh, tx: Texels, points: Array, triangles: Array) -> Array:
    """Which texels [n] a pose shows, where only the triangles hide them."""
    screen = bake.project(points)
    depth = raster(screen, triangles, CANVAS, CANVAS)[0]
    p = at(screen, tx.corners, tx.weights)
    x, y = (np.clip(p[:, k].astype(int), 0, CANVAS - 1) for k in (0, 1))
    a, b, c = (points[tx.corners[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    view = at(points, tx.corners, tx.weights) - np.array([0, 0, -bake.distance])
    cosine = (normal * view).sum(1) / np.maximum(np.linalg.norm(normal, axis=1) * np.linalg.norm(view, axis=1), 1e-9)
    return (cosine > FACING) & (p[:, 2] < depth[y, x] + BEHIND / np.maximum(cosine, 0.1))
