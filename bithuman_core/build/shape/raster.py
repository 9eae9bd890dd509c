"""Which point of the mesh every texel or pixel shows: a small exact rasteriser for build time (numba)."""

from __future__ import annotations

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.render.kernel import remembered


@remembered(nogil=True)
def _raster(points, triangles, culled, depth, triangle, weights):
    height, width = depth.shape
    for t in range(len(triangles)):
        a, b, c = triangles[t]
        ax, ay = points[a, 0], points[a, 1]
        bx, by, cx, cy = points[b, 0] - ax, points[b, 1] - ay, points[c, 0] - ax, points[c, 1] - ay
        area = bx * cy - by * cx
        if abs(area) < 1e-9 or (culled and area <= 0):
            continue
        x0, x1 = max(int(ax + min(0, bx, cx) - 1), 0), min(int(ax + max(0, bx, cx) + 1), width - 1)
        y0, y1 = max(int(ay + min(0, by, cy) - 1), 0), min(int(ay + max(0, by, cy) + 1), height - 1)
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                dx, dy = x + 0.5 - ax, y + 0.5 - ay
                wb, wc = (dx * cy - dy * cx) / area, (dy * bx - dx * by) / area
                if wb < -1e-6 or wc < -1e-6 or wb + wc > 1 + 1e-6:
                    continue
                z = points[a, 2] * (1 - wb - wc) + points[b, 2] * wb + points[c, 2] * wc
                if z < depth[y, x]:
                    depth[y, x] = z
                    triangle[y, x] = t
                    weights[y, x, 0], weights[y, x, 1], weights[y, x, 2] = 1 - wb - wc, wb, wc


@remembered(nogil=True)
def _near(points, triangles, count, out):
    height, width = count.shape[0] - 1, count.shape[1] - 1
    for t in range(len(triangles)):
        a, b, c = triangles[t]
        x0, x1 = min(points[a, 0], points[b, 0], points[c, 0]) - 1, max(points[a, 0], points[b, 0], points[c, 0]) + 2
        y0, y1 = min(points[a, 1], points[b, 1], points[c, 1]) - 1, max(points[a, 1], points[b, 1], points[c, 1]) + 2
        left, right = int(min(max(x0, 0), width)), int(min(max(x1, 0), width))
        top, bottom = int(min(max(y0, 0), height)), int(min(max(y1, 0), height))
        out[t] = count[bottom, right] - count[top, right] - count[bottom, left] + count[top, left] > 0


def near(points: Array, triangles: Array, shown: Array) -> Array:
    """Which triangles [T, 3] of points [V, 3] may cover a px that is shown [h, w]: those whose bounds hold one, bool [T]."""
    count = np.pad(shown.cumsum(0, np.int32).cumsum(1, np.int32), ((1, 0), (1, 0)))
    out = np.empty(len(triangles), np.bool_)
    _near(np.ascontiguousarray(points, np.float64), np.ascontiguousarray(triangles, np.int64), count, out)
    return out


def raster(
    points: Array, triangles: Array, height: int, width: int, culled: bool = True
) -> tuple[Array, Array, Array]:
    """Depth [h, w] (inf: nothing), triangle [h, w] (-1: nothing) and weights of its corners [h, w, 3] at pixel centres.

    points [V, 3]: x, y in px, z. culled: leave out triangles seen from behind.
    """
    depth = np.full((height, width), np.inf)
    triangle = np.full((height, width), -1, np.int32)
    weights = np.zeros((height, width, 3))
    _raster(np.ascontiguousarray(points, np.float64), np.ascontiguousarray(triangles, np.int64), culled, depth, triangle, weights)
    return depth, triangle, weights


def at(values: Array, corners: Array, weights: Array) -> Array:
    """Interpolate vertex values [V, k] at points given by their corners [n, 3] and weights [n, 3]."""
    return np.einsum("nck,nc->nk", values[corners], weights)


def facing(screen: Array, triangles: Array) -> Array:
    """Which triangles [T, 3] turn their front to the view, bool [T]; False for lines. screen [V, 2 or 3]: x, y (px, y down)."""
    a, b, c = (screen[triangles[:, k], :2] for k in range(3))
    return (b - a)[:, 0] * (c - a)[:, 1] > (b - a)[:, 1] * (c - a)[:, 0]
