"""Hair, clothes and everything behind the face: a grid with depth under the picture, with the face painted out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from training.avatars.atlas import box2
from training.avatars.fill import fill
from training.avatars.source import CANVAS, Bake

STEP = 16  # px between grid points


def picture(bake: Bake) -> NDArray[np.float32]:
    """RGBA [1024, 1024, 4]: the figure without face, neck and ears; the hole continues hair and clothes."""
    rgba = bake.picture("neutral.png")
    own = ~ndimage.binary_dilation(_face(bake), iterations=3)
    alpha = fill(rgba[..., 3:], own.astype(np.float32))[..., 0]
    solid = own & (rgba[..., 3] > 0.05)
    return np.dstack([box2(fill(rgba[..., :3], solid.astype(np.float32))), box2(alpha)])


def _face(bake: Bake) -> NDArray[np.bool_]:
    return bake.parts("skin", "eye", "mouth", "brow", "lash", "beard")


def grid(bake: Bake) -> dict[str, NDArray]:
    """Vertices [V, 3] (px space), uv [V, 2] (px of the picture), triangles [T, 3], head weight [V] 0..1."""
    known = (bake.parts("hair", "cloth") & ~ndimage.binary_dilation(_face(bake), iterations=3)).astype(np.float32)
    depth = fill(ndimage.median_filter(bake.depth, 5)[..., None], known)[..., 0]
    depth = ndimage.gaussian_filter(depth, 7)
    weight = fill((bake.weight.astype(np.float32) / 255)[..., None], known)[..., 0]
    weight = ndimage.gaussian_filter(weight, 5)
    lines = np.arange(0, CANVAS + 1, STEP)
    yy, xx = np.meshgrid(lines, lines, indexing="ij")
    iy, ix = np.clip(yy, 0, CANVAS - 1), np.clip(xx, 0, CANVAS - 1)
    z = depth[iy, ix].astype(np.float64)
    back = (bake.distance + z) / bake.distance
    points = np.stack([(xx - CANVAS / 2) * back, (yy - CANVAS / 2) * back, z], -1).reshape(-1, 3)
    n = len(lines)
    index = np.arange(n * n).reshape(n, n)
    a, b, c, d = index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, 1:].ravel(), index[1:, :-1].ravel()
    alpha = picture(bake)[..., 3]
    shown = alpha.reshape(CANVAS // STEP, STEP, CANVAS // STEP, STEP).max((1, 3)) > 1 / 255
    deep = ndimage.binary_erosion(_face(bake), iterations=60).reshape(CANVAS // STEP, STEP, CANVAS // STEP, STEP).all((1, 3))
    cell = (shown & ~deep).ravel()
    triangles = np.concatenate([np.stack([a, b, c], 1)[cell], np.stack([a, c, d], 1)[cell]])
    return {"points": points, "uv": np.stack([xx, yy], -1).reshape(-1, 2).astype(np.float64), "triangles": triangles,
            "weight": weight[iy, ix].ravel().astype(np.float64)}
