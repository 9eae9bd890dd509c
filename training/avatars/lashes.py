"""Lashes: one band along each lid, dark at the roots and fading towards the tips, that follows the lid.

Single lashes are thinner than a sample of the renderer and would come out as dots; together they read as a soft line. Those of
the lower lids are finer and fewer: their band is narrower and paler.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy import ndimage

from bithuman_core.build.arrays import Array
from training.avatars.source import Bake

ROOT, TIP = 0, 3  # points of a strand (of six) that the band spans
COLUMNS = 24  # places along a lid
SMOOTH = 1.2  # columns
WIDTH = {False: 0.8, True: 0.75}  # of the length of the lashes as seen from the front in the neutral face: upper, lower lid
GROWTH = 1.2  # of the band's width with that of the lashes: a lid that comes down turns them into view
LEAST_WIDTH, MOST_STRETCH = 1.5, 4.0  # canvas px; times the length of the lashes
INTO_LID = 0.8  # canvas px by which the band begins before the roots, so that no gap shows


def ribbons(bake: Bake) -> tuple[Array, Array, Array, Array]:
    """Points [V, 3] (px space), deltas [shapes, V, 3], triangles [T, 3], place [V, 2]: 1 on the lower lids, 0 root .. 1 tip."""
    head = bake.head
    strands = bake.strands.Lashes(head, **bake.look["lash"])
    px, flip = bake.camera.px, np.array([1.0, -1.0, -1.0])
    ends = lambda v: np.asarray(strands.pts(v))[:, (ROOT, TIP)]  # noqa: E731
    neutral = bake.ortho(ends(head.neutral))  # [strands, 2, 3]
    moves = np.stack([ends(sum(k * head.delta(ict) for ict, k in bake.model.ARKIT_TO_ICT[name].items())) * px * flip
                      for name in bake.shapes])  # fmt: skip
    points, deltas, triangles, place = [], [], [], []
    for side, lower in product((-1, 1), (False, True)):
        lid = np.flatnonzero((_below_chord(neutral[:, 0], side) == lower) & (np.sign(neutral[:, 0, 0]) == side))
        where = np.sort(neutral[lid, 0, 0])
        columns = np.linspace(where[0], where[-1], COLUMNS)
        near = np.exp(-(((neutral[lid, 0, 0] - columns[:, None]) / (SMOOTH * (columns[1] - columns[0]))) ** 2))
        near /= near.sum(1, keepdims=True)
        mean = np.einsum("cs,sed->ced", near, neutral[lid])
        moved = np.einsum("cs,nsed->nced", near, moves[:, lid])
        along = mean[:, 1] - mean[:, 0]
        size = np.linalg.norm(along[:, :2], axis=1, keepdims=True)
        stretch = _width(size, size, lower) / np.maximum(size, 1e-6)
        stretch = ndimage.gaussian_filter1d(np.minimum(stretch, MOST_STRETCH), 1.5, axis=0)
        begin = mean[:, 0] - along / np.maximum(size, 1e-6) * INTO_LID
        end = mean[:, 0] + along * stretch
        grow = moved[:, :, 1] - moved[:, :, 0]
        posed = along + grow
        seen = np.linalg.norm(posed[..., :2], axis=2, keepdims=True)
        fits = np.minimum(_width(seen, size, lower) / np.maximum(seen, 1e-6), MOST_STRETCH)
        offset = sum(len(p) for p in points)
        points.append(np.stack([begin, end], 1).reshape(-1, 3))
        deltas.append(np.stack([moved[:, :, 0], moved[:, :, 0] + posed * fits - along * stretch], 2).reshape(len(moves), -1, 3))
        index = offset + np.arange(2 * COLUMNS).reshape(COLUMNS, 2)
        a, b, c, d = index[:-1, 0], index[:-1, 1], index[1:, 1], index[1:, 0]
        quads = np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)])
        triangles += [quads, quads[:, ::-1]]  # seen from either side
        place.append(np.tile([[float(lower), 0.0], [float(lower), 1.0]], (COLUMNS, 1)))
    return (np.concatenate(points), np.concatenate(deltas, 1).astype(np.float32), np.concatenate(triangles),
            np.concatenate(place))


def _width(seen: Array, neutral: Array, lower: bool) -> Array:
    """Width of the band (canvas px) where the lashes show so long, and so long in the neutral face."""
    return np.maximum(WIDTH[lower] * neutral + GROWTH * (seen - neutral), LEAST_WIDTH)


def _below_chord(roots: Array, side: int) -> Array:
    """Which roots [strands, 3] of one side's eye are on the lower lid: below the line from corner to corner."""
    own = roots[np.sign(roots[:, 0]) == side]
    a, b = own[own[:, 0].argmin()], own[own[:, 0].argmax()]
    return roots[:, 1] > a[1] + (roots[:, 0] - a[0]) * (b[1] - a[1]) / (b[0] - a[0])
