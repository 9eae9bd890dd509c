"""What never moves is drawn once: shoulders and clothes become part of the plate when the rig is made."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.mouth import tint_table
from bithuman_core.render.posing import WEIGHTS, head_transforms, project
from bithuman_core.render.raster import rasterise
from bithuman_core.render.rig import PortraitRig
from bithuman_core.render.shading import compose
from bithuman_core.render.texel import NOTHING, UV_STEPS


def settled(rig: PortraitRig) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """(plate with the still triangles of the backdrop drawn on it, the triangles that are left).

    Still are triangles whose three vertices have head weight 0: no head pose moves them, and coefficients move no backdrop.
    """
    still = (rig.backdrop_weight[rig.backdrop_triangles] == 0).all(axis=1)
    width, height = rig.size
    transforms = np.empty((WEIGHTS, 12), np.float32)
    head_transforms(np.zeros(6), transforms)
    points = np.empty_like(rig.backdrop_vertices)
    half = rig.canvas / 2
    project(rig.backdrop_vertices, rig.backdrop_weight, transforms, rig.pivot, rig.distance, half, half, 0.5, 0.5, points)
    light, part = np.zeros(len(points), np.float32), np.zeros(len(still), np.uint8)
    words, glow = np.empty((height, width), np.uint32), np.zeros((2 * height, width), np.uint8)
    depth = np.empty(height * width, np.float32)
    chosen = np.flatnonzero(still).astype(np.uint32)
    mesh = points, rig.backdrop_uv * UV_STEPS, rig.backdrop_triangles, part, light
    rasterise(*mesh, chosen, depth, words, glow[:height], 0, 0.0)
    nothing, plate = np.full((2 * height, width), NOTHING, np.uint32), np.empty_like(rig.plate)
    scratch = np.empty((2, width), np.uint32), np.empty((2, width), np.uint8)
    compose(rig.plate, nothing, glow, words, rig.texture, rig.backdrop, tint_table(), *scratch, plate)
    plate.flags.writeable = False
    return plate, np.ascontiguousarray(rig.backdrop_triangles[~still])
