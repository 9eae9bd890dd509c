"""Surfaces that close the average head behind lids and lips, where other faces would show what lies behind it.

The head model cuts its eyeballs to what its own lids bare, and leaves the walls of the mouth apart from the lips. An eye that
lies or opens otherwise would show what is past the rim of the ball, a wide mouth what is before its walls.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
FRONT, COLUMNS = 46.0, 23  # px beside the middle up to which gaps of teeth are seen; columns of what closes them
BESIDE_GAP, BEHIND_FRONT = 6.0, 4.0  # px about a column in which the front of the teeth is looked for; behind it
EDGE_SHOWN = 1.6  # px of the edges of teeth that stand out beyond what closes their gaps: in between, a dark notch would be seen
RIMS = ((0.985, -0.17), (1.15, 0.0))  # radii of the eyeball beside and behind its middle: on the ball, about it


def loops(triangles: Array) -> list[Array]:
    """The closed borders of a surface [T, 3]: rows of the vertices in the direction in which its triangles run along them."""
    edges = [(int(a), int(b)) for i, j in ((0, 1), (1, 2), (2, 0)) for a, b in triangles[:, [i, j]]]
    known, out = set(edges), []
    after = {a: b for a, b in edges if (b, a) not in known}
    while after:
        row = [next(iter(after))]
        while row[-1] in after:
            row.append(after.pop(row[-1]))
        out.append(np.array(row[:-1]))
    return out


def around_eye(points: Array, triangles: Array, centre: Array, radius: float) -> tuple[Array, Array, Array]:
    """What continues an eyeball's cap [T, 3]: rows whose copies are its new vertices, their points [n, 3], and triangles [t, 3].

    New vertices are counted from len(points) on.
    """
    border = max(loops(triangles), key=len)
    side = (points[border] - centre)[:, :2]
    side = side / np.linalg.norm(side, axis=1, keepdims=True)
    rings = [centre + radius * np.column_stack([away * side, np.full(len(side), before)]) for away, before in RIMS]
    new = len(points) + np.arange(len(RIMS) * len(border)).reshape(len(RIMS), -1)
    rows = [border, *new]
    strips = []
    for inner, outer in pairwise(rows):
        a, b, c, d = inner, np.roll(inner, -1), outer, np.roll(outer, -1)
        strips += [np.stack([b, a, c], 1), np.stack([b, c, d], 1)]
    return np.tile(border, len(RIMS)), np.concatenate(rings), np.concatenate(strips)


def behind_lips(points: Array, skin: Array, walls: Array, lips: Array) -> tuple[Array, Array, Array]:
    """What joins the lips' inner border to the walls of the mouth: rows whose copies are its new vertices, the row of the walls
    next to each, and triangles [t, 3]. New vertices are counted from len(points) on.

    skin, walls [T, 3]: triangles; lips [n, 3]: points of the inner lips, which tell the border.
    """
    middle = lips.mean(0)
    lip = min(loops(skin), key=lambda row: float(np.linalg.norm(points[row].mean(0) - middle)))[::-1]
    wall = max(loops(walls), key=len)
    lip, at = _from_corner(points, lip)
    wall, there = _from_corner(points, wall)
    new = len(points) + np.arange(len(lip))
    made, i, j = [], 0, 0
    while i < len(lip) or j < len(wall):
        a, b = new[i % len(lip)], wall[j % len(wall)]
        if j == len(wall) or (i < len(lip) and at[i + 1] <= there[j + 1]):
            i += 1
            made.append((a, new[i % len(lip)], b))
        else:
            j += 1
            made.append((wall[j % len(wall)], b, a))
    nearest = np.abs(at[:-1, None] - there[None, :-1]).argmin(1)
    return lip, wall[nearest], np.array(made)


def between_teeth(points: Array, rows: Array, root: float) -> tuple[Array, Array, Array]:
    """What closes the gaps of a row of teeth, a little behind their fronts: rows whose copies are its new vertices, their points
    [2 n, 3], and triangles [t, 3]. New vertices are counted from len(points) on.

    rows: of the teeth's enamel; it reaches from the height root (y) almost to the edges of the teeth, which lie beyond.
    """
    x = np.linspace(-FRONT, FRONT, COLUMNS)
    near = np.abs(points[rows, 0] - x[:, None]) < BESIDE_GAP
    z = np.where(near, points[rows, 2], np.inf).min(1) + BEHIND_FRONT
    way = np.sign(points[rows, 1].mean() - root)
    edge = root + way * (np.where(near, way * (points[rows, 1] - root), 0).max(1) - EDGE_SHOWN)
    ends = (np.full(len(x), root), edge) if way > 0 else (edge, np.full(len(x), root))
    where = np.concatenate([np.column_stack([x, y, z]) for y in ends])
    nearest = rows[np.abs(points[rows, 0] - where[:, :1]).argmin(1)]
    a = len(points) + np.arange(COLUMNS - 1)
    strip = [np.stack([a, a + 1, a + 1 + COLUMNS], 1), np.stack([a, a + 1 + COLUMNS, a + COLUMNS], 1)]
    return nearest, where, np.concatenate(strip)


def _from_corner(points: Array, row: Array) -> tuple[Array, Array]:
    """The border row [n] begun at the image-left corner, and how far along it each vertex lies [n + 1]: 1 at the other corner."""
    row = np.roll(row, -int(points[row, 0].argmin()))
    step = np.linalg.norm(points[np.roll(row, -1)] - points[row], axis=1)
    half = int(points[row, 0].argmax())
    first, second = np.cumsum(step[:half]), np.cumsum(step[half:])
    return row, np.concatenate([[0.0], first / first[-1], 1 + second / second[-1]])
