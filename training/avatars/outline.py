"""What comes into view at the side of the hair when the head turns: a band between the outlines of the hair at rising angles.

The outline of a surface seen from some direction is a curve on it (its contour generator). The curves for -18 to 12 degrees,
taken from the strands themselves, span the band; its colours are those of the calibration frame turned to that side. In the
neutral face it looks away from the camera but for its inner edge, which overlaps the hair in front.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from bithuman_core.build.arrays import Array
from training.avatars.fit import Frame
from training.avatars.source import Bake

ANGLES = (-26.0, -18.0, -9.0, -4.0, 0.0, 4.0, 8.0, 12.0)  # degrees of yaw
SEEN_AT = 12.0  # degrees, of the picture
ROW = 10.0  # canvas px between the rows of the band
LEAST = 60  # strand points that make a row
OUTERMOST = 0.005  # share of a row's points beyond its outline: loose ends
NEAR = 3.5  # px from the outline: points whose mean is the curve
EDGE = 1.0  # px by which what is seen of the hair goes further
CROWN = 0.55  # of the widest row: narrower ones above it are the crown, which a turn to the side does not reveal
FRINGE = 7.0  # px of loose ends beyond the last outline
TAPER = 12  # rows at the top over which these begin: they would stand up from a bowed head
ACROSS, ALONG = 24, 440  # texels of a band's picture


def strip() -> tuple[int, int]:
    """Width and height of a band's picture in the atlas."""
    return ALONG, ACROSS


def turn(points: Array, weight: Array, degrees: float, pivot: Array) -> Array:
    """Points [..., 3] (px space) turned by their share of a yaw."""
    a = np.radians(degrees) * weight
    x, z = points[..., 0] - pivot[0], points[..., 2] - pivot[2]
    return np.stack([np.cos(a) * x - np.sin(a) * z + pivot[0], points[..., 1], np.sin(a) * x + np.cos(a) * z + pivot[2]], -1)


def band(bake: Bake, side: int, frame: Frame) -> tuple[Array, Array, Array, Array, Array]:
    """Points [V, 3], weight [V], uv [V, 2] (texels of its picture), triangles [T, 3] and picture [ACROSS, ALONG, 4].

    side: +1 is the band at image left, which a turn to image right (yaw +) shows, -1 the other one; frame: turned by
    side * SEEN_AT degrees.
    """
    style, values = bake.look["hair"]
    strands = np.asarray(bake.strands.STYLES[style](bake.head, **values))
    points = bake.ortho(strands.reshape(-1, 3))
    weight = np.asarray(bake.head.rotation_weight(strands)).reshape(-1)
    chosen = points[:, 0] * side < 0
    points, weight = points[chosen], weight[chosen]
    row = np.floor((points[:, 1] - points[:, 1].min()) / ROW).astype(int)
    curves = [_outline(points, weight, row, side, angle, bake.pivot) for angle in ANGLES]
    good = np.all([c[2] for c in curves], 0)
    last = len(good) if good.all() else int(np.flatnonzero(~good & (np.arange(len(good)) > 3))[0])
    reach = np.abs(curves[0][0][:, 0]) * good
    first = int(np.flatnonzero(reach > CROWN * reach.max())[0])
    grid = np.stack([c[0][first:last] for c in curves], 1)  # [rows, angles, 3]
    share = np.stack([c[1][first:last] for c in curves], 1)
    grid = ndimage.gaussian_filter1d(grid, 1.5, axis=0, mode="nearest")
    # Loose ends: beyond the last outline, so far behind it that they only show where they are its fringe.
    edge = turn(grid[:, -1], share[:, -1], side * SEEN_AT, bake.pivot)
    out = FRINGE * np.clip(np.arange(len(edge)) / TAPER, 0, 1)
    behind = out / np.tan(np.radians(4.0))
    edge = edge + np.stack([-side * out, 0 * out, behind], -1)
    # What is further away looks nearer to the middle.
    edge[:, :2] *= 1 + (behind / (bake.distance + edge[:, 2] - behind))[:, None]
    outer = turn(edge, share[:, -1], -side * SEEN_AT, bake.pivot)
    grid = np.concatenate([grid, outer[:, None]], 1)
    share = np.concatenate([share, share[:, -1:]], 1)
    rows, columns = share.shape
    on_frame = bake.project(turn(grid, share, side * SEEN_AT, bake.pivot))[..., :2]
    at_row = np.linspace(0, rows - 1, ALONG)[None].repeat(ACROSS, 0)
    at_column = np.linspace(0, columns - 1, ACROSS)[:, None].repeat(ALONG, 1)
    x, y = (ndimage.map_coordinates(on_frame[..., k], [at_row, at_column], order=1) * 0.5 - 0.5 for k in (0, 1))
    picture = np.stack([ndimage.map_coordinates(frame.picture[..., k], [y, x], order=1, mode="nearest") for k in range(4)], -1)
    # It fades in at its inner edge and at both ends.
    inner = np.clip(at_column, 0, 1)
    ends = np.clip(np.minimum(at_row, rows - 1 - at_row) / 2.5, 0, 1)
    picture[..., 3] *= inner * ends
    uv = np.stack(np.meshgrid(np.linspace(0.5, ALONG - 0.5, rows), np.linspace(0.5, ACROSS - 0.5, columns), indexing="ij"), -1)
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, 1:].ravel(), index[1:, :-1].ravel()
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    if side > 0:  # columns run to image left there
        triangles = triangles[:, ::-1]
    return grid.reshape(-1, 3), share.ravel(), uv.reshape(-1, 2), triangles, picture.astype(np.float32)


def _outline(points: Array, weight: Array, row: Array, side: int, angle: float, pivot: Array) -> tuple[Array, Array, Array]:
    """Curve [rows, 3] of the hair's outline at an angle, weight [rows], which rows have one."""
    out = -side * turn(points, weight, side * angle, pivot)[:, 0]  # px towards the outline's side
    curve, share, good = np.zeros((row.max() + 1, 3)), np.ones(row.max() + 1), np.zeros(row.max() + 1, bool)
    for r in range(len(curve)):
        mine = np.flatnonzero(row == r)
        if len(mine) < LEAST:
            continue
        limit = np.quantile(out[mine], 1 - OUTERMOST)
        near = mine[np.abs(out[mine] - limit) < NEAR]
        if len(near):
            curve[r], share[r], good[r] = points[near].mean(0), weight[near].mean(), True
            beyond = limit - out[near].mean() + EDGE  # from their mean to where they end
            curve[r] += turn(np.array([-side * beyond, 0.0, 0.0]) + pivot, np.ones(()), -side * angle, pivot) - pivot
    return curve, share, good
