"""Hair, clothes and everything behind the face: a grid with depth under the picture, with the face painted out."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.build.skin.fill import fill
from training.avatars.quadtree import triangulate
from training.avatars.source import CANVAS, Bake

STEP = 8  # px between grid points where they are closest
MOST = 3.0  # px by which larger cells may misplace what lies in them when the head turns as far as it goes ...
DEEP, POSE = 0.25, 60.0  # ... which moves a point by so much for a px of depth, a head weight of 1
SIDE = 640  # px of the picture: 1.25 a pixel of the frame, so that the frame neither blurs nor skips any
INSIDE, OUTLINE = 7.0, 14.0  # px: how far the depth is smoothed in the figure and along its outline
RIM = 5  # px: strip at the outline where hair lies at the depth where it turns away from the camera
ROUND = 26.0  # px from the outline at which the figure has its own depth


def picture(bake: Bake, mesh: Array) -> Array:
    """RGBA [SIDE, SIDE, 4]: the figure without face, neck and ears; the hole continues hair and clothes.

    mesh [1024, 1024]: pixels that the mesh of the face covers in the neutral. Skin beyond it (shoulders) stays here.
    """
    rgba = bake.picture("neutral.png")
    own = ~ndimage.binary_dilation(_face(bake, mesh), iterations=3)
    alpha = fill(rgba[..., 3:], own.astype(np.float32))[..., 0]
    solid = own & (rgba[..., 3] > 0.05)
    full = np.dstack([fill(rgba[..., :3], solid.astype(np.float32)), alpha])
    return np.dstack([_resized(np.asarray(full[..., k], np.float32)) for k in range(4)])


def _resized(plane: Array) -> Array:
    return np.clip(np.asarray(Image.fromarray(plane).resize((SIDE, SIDE), Image.Resampling.BICUBIC)), 0.0, 1.0)


def _face(bake: Bake, mesh: Array) -> Array:
    return (bake.parts("skin", "eye", "mouth", "brow", "lash") & mesh) | bake.parts("beard")


def _smooth(values: Array, known: Array, sigma: float) -> Array:
    """Gaussian mean of the known values; where none are near, a continuation."""
    total = ndimage.gaussian_filter(values * known, sigma)
    share = ndimage.gaussian_filter(known, sigma)
    return fill((total / np.maximum(share, 1e-6))[..., None], (share > 0.02).astype(np.float32))[..., 0]


def grid(bake: Bake, mesh: Array) -> dict[str, Array]:
    """Vertices [V, 3] (px space), uv [V, 2] (px of the picture), triangles [T, 3], head weight [V] 0..1."""
    own = (bake.part > 0) & ~ndimage.binary_dilation(_face(bake, mesh), iterations=3)
    known = own.astype(np.float32)
    clean = ndimage.median_filter(bake.depth, 5)
    fine = _smooth(clean, known, INSIDE)
    # Loose strands lie at any depth, but the outline itself is where the hair turns away: at its far points.
    figure = ndimage.binary_opening(bake.part > 0, iterations=4)
    inwards = np.asarray(ndimage.distance_transform_edt(figure))
    far = np.asarray(Image.fromarray(clean[::2, ::2]).filter(ImageFilter.MaxFilter(3)).resize((CANVAS, CANVAS)))
    rim = (known > 0) & (inwards > 0) & (inwards < RIM)
    coarse = _smooth(far, rim.astype(np.float32), OUTLINE)
    inside = np.clip(inwards / ROUND, 0, 1)
    depth = coarse + (fine - coarse) * inside * (2 - inside)
    weight = fill((bake.weight.astype(np.float32) / 255)[..., None], known)[..., 0]
    weight = ndimage.gaussian_filter(weight, 5)
    lines = np.arange(0, CANVAS + 1, STEP)
    yy, xx = np.meshgrid(lines, lines, indexing="ij")
    iy, ix = np.clip(yy, 0, CANVAS - 1), np.clip(xx, 0, CANVAS - 1)
    z = depth[iy, ix].astype(np.float64)
    back = (bake.distance + z) / bake.distance
    points = np.stack([(xx - CANVAS / 2) * back, (yy - CANVAS / 2) * back, z], -1).reshape(-1, 3)
    cells = (CANVAS // STEP, STEP, CANVAS // STEP, STEP)
    small = (CANVAS // STEP, SIDE * STEP // CANVAS, CANVAS // STEP, SIDE * STEP // CANVAS)
    shown = ndimage.maximum_filter(picture(bake, mesh)[..., 3], 3).reshape(small).max((1, 3)) > 1 / 255
    deep = ndimage.binary_erosion(_face(bake, mesh), iterations=60).reshape(cells).all((1, 3))
    off = np.stack([DEEP * z, POSE * weight[iy, ix]], -1)
    triangles = triangulate(off, shown & ~deep, MOST)
    used, triangles = np.unique(triangles, return_inverse=True)
    uv = np.stack([xx, yy], -1).reshape(-1, 2) * (SIDE / CANVAS)
    return {"points": points[used], "uv": uv[used], "triangles": triangles.reshape(-1, 3),
            "weight": weight[iy, ix].ravel().astype(np.float64)[used]}
