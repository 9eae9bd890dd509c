"""A grid with small cells only where they are needed: a restricted quadtree (Von Herzen and Barr, "Accurate triangulations of
deformed, intersecting surfaces", 1987). Neighbours differ by one level at most, so that fans close every crack.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from bithuman_core.build.arrays import Array

LEVELS = 3  # doublings of a cell at most
AROUND = np.array([(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)])  # y, x in half cells, clockwise


def triangulate(values: Array, shown: Array, most: float) -> Array:
    """Triangles [T, 3] of the shown cells, as numbers of the grid's vertices, row by row.

    values [n + 1, n + 1, F]: what every vertex of the grid holds, n a multiple of 2 ** LEVELS; shown [n, n]: the cells to
    cover. Cells are joined where the corners give what lies between them with an error (euclidean) of ``most`` at most.
    """
    size = _sizes(values, shown, most)
    n = len(size)
    made = []
    for s in (1 << level for level in range(LEVELS + 1)):
        rows, columns = (k * s for k in np.nonzero(size[::s, ::s] == s))
        corner = rows * (n + 1) + columns
        if s == 1:
            middle = np.zeros((len(rows), 4), bool)
        else:
            padded = np.pad(size, 1)
            inner = padded[1:, 1:]
            beside = (padded[rows, columns + 1], inner[rows, columns + s], inner[rows + s, columns], padded[rows + 1, columns])
            middle = np.stack([(b > 0) & (b < s) for b in beside], 1)  # above, right, below, left: a vertex on that edge
        plain = corner[~middle.any(1)]
        a, b, c, d = plain, plain + s, plain + s * (n + 1) + s, plain + s * (n + 1)
        made += [np.stack([a, b, c], 1), np.stack([a, c, d], 1)]
        for split in np.unique(middle[middle.any(1)], axis=0):
            places = AROUND[[k for k in range(8) if k % 2 == 0 or split[k // 2]]] * s // 2
            rim = corner[(middle == split).all(1)][:, None] + places @ (n + 1, 1)
            centre = corner[(middle == split).all(1)] + (s // 2) * (n + 2)
            made += [np.stack([centre, rim[:, k - 1], rim[:, k]], 1) for k in range(rim.shape[1])]
    return np.concatenate(made)


def _sizes(values: Array, shown: Array, most: float) -> Array:
    """Side of the cell that every cell of the grid belongs to, int [n, n]; 0 where nothing is shown."""
    size = shown.astype(np.int64)
    n = len(size)
    for s in (2 << level for level in range(LEVELS)):
        whole = (size == s // 2).reshape(n // s, s, n // s, s).all((1, 3))
        around = ndimage.minimum_filter(np.where(size > 0, size, s), 3, mode="nearest")
        balanced = (around >= s // 2).reshape(n // s, s, n // s, s).all((1, 3))
        join = whole & balanced & (_bend(values, s) <= most)
        size[np.kron(join, np.ones((s, s), bool))] = s
    return size


def _bend(values: Array, s: int) -> Array:
    """How far the vertices in cells of side s lie from what their corners give, float [n / s, n / s]."""
    corners = values[::s, ::s]
    worst = np.zeros((len(corners) - 1, len(corners) - 1))
    for y in range(s + 1):
        for x in range(s + 1):
            v, u = y / s, x / s
            above = corners[:-1, :-1] * (1 - u) + corners[:-1, 1:] * u
            below = corners[1:, :-1] * (1 - u) + corners[1:, 1:] * u
            own = values[y : y + len(values) - s : s, x : x + len(values) - s : s]
            worst = np.maximum(worst, np.linalg.norm(own - above * (1 - v) - below * v, axis=-1))
    return worst
