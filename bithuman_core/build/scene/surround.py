"""What lies around the face: where the mesh is drawn, and a grid with depth that carries hair, ears, neck and shoulders.

Mesh and grid have the same depth and follow the head by the same share, and the moves of the shapes fade out before the mesh
does: where one becomes the other, both show the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.portrait import CANVAS, Portrait
from bithuman_core.build.shape.camera import project, unproject
from bithuman_core.build.shape.distance import nearest_in
from bithuman_core.build.shape.fit import OVAL, Fit
from bithuman_core.build.shape.raster import raster
from bithuman_core.build.shape.template import ATLAS, ORIGIN, PROXY, SKIN, UNIT, Template
from bithuman_core.build.skin.fill import fill
from bithuman_core.render.smoothstep import smoothstep

PIVOT = np.array([0.0, -8.0, 0.5])  # units of the head model: base of the skull, below its middle
STEP = 16  # px between grid points
BEYOND = 64  # px that the grid goes on beyond the canvas, in its edge's colours: hair that the frame cuts off nods, too
FINE = 0.625  # px of the picture of the surroundings to one of the canvas: 1.25 a pixel of the frame
GROWN_UP, GROWN_SIDE, GROWN_DOWN = 0.16, 0.06, 0.42  # face widths the mesh reaches beyond the outline of the face
SOFT = 0.06  # face widths over which the mesh fades out
STILL, STILL_EDGE = 0.15, 0.06  # face widths over which the moves of the shapes fade before; at the person's outline
INSIDE = 0.025  # face widths inside the person's outline where the mesh ends
OUTER, ROUND = 0.05, 0.08  # face widths beyond the mesh, and from the outline, over which the depth becomes the round head's
STEEP = 2.5  # px of that depth a px at most: a turn of 10 degrees stretches steeper ones to smears
RIM = 8  # px inside the outline from where on depth stays as it is: its soft edge is not stretched at all
EARS, EAR_MARGIN = (184.0, 110.0, 250.0), 6  # texels: beside the middle line, from and to in height; half px about them
BLUR = 6.0  # px: how far the depth is smoothed


@dataclass(frozen=True)
class Surround:
    """The grid: px space [B, 3], texture px [B, 2], triangles [C, 3], share of the head's pose [B] 0..1, RGBA u8 [h, w, 4]."""

    points: Array
    uv: Array
    triangles: Array
    weight: Array
    picture: Array


def pivot(fitted: Fit) -> Array:
    """The point the head turns about [3], px space."""
    return (np.array([PIVOT[0], ORIGIN[1] - PIVOT[1], ORIGIN[2] - PIVOT[2]]) * UNIT) @ fitted.turn.T + fitted.shift


def follows(fitted: Fit, points: Array) -> Array:
    """Share of the head's pose that points [..., 3] of px space follow, 0..1: 1 on the head, 0 on the shoulders."""
    scale = np.cbrt(np.linalg.det(fitted.turn))
    unit = scale * UNIT
    upright = (points - fitted.shift) @ (fitted.turn / scale)
    y, z = ORIGIN[1] - upright[..., 1] / unit, ORIGIN[2] - upright[..., 2] / unit
    return smoothstep((y + 1.5 * np.maximum(z - 5, 0) + 15.5) / 7.5)


def reach(portrait: Portrait, fitted: Fit) -> tuple[Array, Array]:
    """Canvas px [S, S] that a place lies inside the region of the mesh, and inside the person's outline; below 0 outside.

    The mesh is drawn where both are above 0.
    """
    width = fitted.face_width
    oval = portrait.landmarks[list(OVAL), :2].astype(np.float64)
    centre = oval.mean(0)
    way = oval - centre
    up = np.clip(-way[:, 1] / np.abs(way[:, 1]).max(), -1, 1)
    grow = GROWN_SIDE + np.where(up > 0, (GROWN_UP - GROWN_SIDE) * up**2, (GROWN_DOWN - GROWN_SIDE) * up**2)
    outline = oval + way / np.linalg.norm(way, axis=1, keepdims=True) * (grow * width)[:, None]
    canvas = Image.new("L", (CANVAS // 2, CANVAS // 2))
    ImageDraw.Draw(canvas).polygon([(x / 2, y / 2) for x, y in outline], fill=1)
    region = np.asarray(canvas, bool)
    solid = portrait.alpha.reshape(CANVAS // 2, 2, CANVAS // 2, 2).mean((1, 3)) > 0.9
    person = _signed(np.pad(solid, 1, mode="edge"))[1:-1, 1:-1] - INSIDE * width
    return _doubled(_signed(region)), _doubled(person)


def _doubled(picture: Array) -> Array:
    return np.asarray(Image.fromarray(picture.astype(np.float32)).resize((CANVAS, CANVAS), Image.Resampling.BILINEAR))


def _signed(mask: Array) -> Array:
    """Canvas px to the edge of a mask at half the canvas' size; below 0 outside."""
    edt = ndimage.distance_transform_edt
    return 2 * (np.asarray(edt(mask)) - np.asarray(edt(~mask)))


def _depth(template: Template, portrait: Portrait, fitted: Fit, points: Array, inside: Array) -> Array:
    """Depth of the surroundings [S / 2, S / 2] px: that of the fitted head, continued; at its outline that of a round head.

    The outline of a turning head is where its surface turns away from the view, and stays about as far from the middle of the
    skull: a sheet at the depth of the outline's own hair would swing too far.
    """
    body = np.flatnonzero((template.part == SKIN) | (template.part == PROXY))
    depth, triangle, _ = raster(project(points) * (0.5, 0.5, 1), template.triangles[body], CANVAS // 2, CANVAS // 2)
    known = np.isfinite(depth)
    core = ndimage.binary_erosion(known, iterations=4)
    ears = np.zeros(len(body), bool)
    middle = template.uv[template.triangles[body]].mean(1)
    side = np.abs(middle[:, 0] - ATLAS / 2)
    ears[(template.part[body] == SKIN) & (side > EARS[0]) & (middle[:, 1] > EARS[1]) & (middle[:, 1] < EARS[2])] = True
    ear = ndimage.binary_dilation(known & ears[triangle], iterations=EAR_MARGIN)
    depth = fill(np.where(known, depth, 0)[..., None].astype(np.float32), core.astype(np.float32))[..., 0]
    depth = ndimage.gaussian_filter(depth, BLUR / 2)
    person = portrait.alpha.reshape(CANVAS // 2, 2, CANVAS // 2, 2).mean((1, 3)) > 0.5
    from_edge = 2 * np.asarray(ndimage.distance_transform_edt(np.pad(person, 1, mode="edge")))[1:-1, 1:-1]
    outer = np.clip(-inside[::2, ::2] / (OUTER * fitted.face_width), 0, 1)
    bow = np.exp(-((from_edge / (ROUND * fitted.face_width)) ** 2)) * outer * ~ear
    skull = pivot(fitted)[2]
    bow = ndimage.gaussian_filter(bow, BLUR / 2)
    depth += _gentle(bow * np.maximum(skull - depth, 0), 2 * STEEP)
    rows, columns = nearest_in(from_edge >= RIM)
    return ndimage.gaussian_filter(depth[rows, columns], RIM / 4)


def _gentle(values: Array, steep: float) -> Array:
    """Values [h, w] lowered as far as they rise by more than ``steep`` from one px to the next."""
    reach = 1
    while reach < 2 * values.max() / steep:  # 1, 2, 4 and so on px: any distance is a sum of them
        values = np.minimum(values, ndimage.minimum_filter(values, 2 * reach + 1) + steep * reach)
        reach *= 2
    return values


def surround(template: Template, portrait: Portrait, fitted: Fit, points: Array, inside: Array, scale: int = 1) -> Surround:
    """The grid behind the mesh whose drawn vertices are points [V, 3]; inside [S, S]: the smaller of what `reach` gives;
    scale: px of its picture to one that the texture px count in.

    It covers the whole canvas and BEYOND about it; beyond the square about the head its depth is that of the square's edge.
    """
    depth = _depth(template, portrait.square(), fitted, points, inside)
    height, width = portrait.alpha.shape
    left, top = portrait.corner
    rows, columns = (np.array([-BEYOND, *range(0, side + 1, STEP), side + BEYOND]) for side in (height, width))
    yy, xx = np.meshgrid(rows, columns, indexing="ij")
    z = depth[np.clip((yy - top) // 2, 0, len(depth) - 1), np.clip((xx - left) // 2, 0, len(depth) - 1)]
    grid = unproject(np.stack([xx - left, yy - top, z + 1.5], -1).reshape(-1, 3).astype(np.float64))
    index = np.arange(xx.size).reshape(xx.shape)
    a, b, c, d = index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, 1:].ravel(), index[1:, :-1].ravel()
    planes = (Image.fromarray(np.ascontiguousarray(plane)) for plane in (*np.moveaxis(portrait.picture, -1, 0), portrait.alpha))
    size = scale * round(width * FINE), scale * round(height * FINE)
    small = np.empty((*size[::-1], 4), np.uint8)
    for k, plane in enumerate(planes):
        small[..., k] = np.asarray(plane.resize(size, Image.Resampling.BICUBIC)).clip(0, 1) * 255 + 0.5
    cells = (height // STEP, STEP, width // STEP, STEP)
    shown = ndimage.maximum_filter(portrait.alpha, 3).reshape(cells).max((1, 3)) > 1 / 255
    shown = np.pad(shown, 1, mode="edge").ravel()
    triangles = np.concatenate([np.stack([a, b, c], 1)[shown], np.stack([a, c, d], 1)[shown]])
    uv = np.stack([np.clip(xx, 0, width), np.clip(yy, 0, height)], -1).reshape(-1, 2) * FINE
    return Surround(grid, uv, triangles, follows(fitted, grid),
                    small)  # fmt: skip
