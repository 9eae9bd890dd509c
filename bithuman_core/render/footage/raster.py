"""Triangles of the face onto the frame's grid: where each sample comes from (numba, one core, no allocation).

A sample keeps its kind, its place in the picture that it is fetched from, and its light.
"""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

from math import ceil, floor

import numpy as np
from numba import float32, int32, int64, uint8, uint32, void

from bithuman_core.render.kernel import CAREFUL, kernel
from bithuman_core.render.lanes import fetch_lanes
from bithuman_core.render.raster import steep
from bithuman_core.render.signature import given, scratch

NOTHING, AROUND, INTERIOR, SKIN = 0, 1, 2, 3  # kinds of samples
EDGE = 1e-4  # share of a triangle by which samples on its edge count for both sides
LEAST_AREA = 1e-6  # px: smaller and turned triangles are not drawn
BACK, STEP = 1e8, 64.0  # depths where the last triangle wins: each lies so much nearer than the one before, behind all others


@kernel(
    void(
        given(float32, 2), given(float32, 2), given(float32, 1), given(uint8, 1), given(int32, 2), float32, float32, float32,
        uint8, int64, int64, int64, scratch(float32, 1), scratch(uint8, 1), scratch(float32, 2),
    ),
    fastmath=CAREFUL, error_model="numpy",
)  # fmt: skip
def rasterise(points, source, light, active, triangles, density, left, top, kind, deep, width, height, depth, kinds, fetched):
    """Draw the triangles that have an active vertex; points [V, 3] frame px and depth, the box's corner at (left, top).

    density: samples to a px. deep: 1 where the nearest sample wins, 0 the last one, which lies behind all others. width, height:
    of the box in samples. depth, kinds [height * width + LANES], fetched [3, height * width + LANES]: x, y in the picture, light.
    """
    slack, zero, one, half = float32(EDGE), float32(0), float32(1), float32(0.5)
    right = float32(width - 1)
    xs, ys, lights = fetched[0], fetched[1], fetched[2]
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        if active[i] + active[j] + active[k] == 0:
            continue
        ax, ay = (points[i, 0] - left) * density - half, (points[i, 1] - top) * density - half
        bx, by = (points[j, 0] - left) * density - half - ax, (points[j, 1] - top) * density - half - ay
        cx, cy = (points[k, 0] - left) * density - half - ax, (points[k, 1] - top) * density - half - ay
        area = bx * cy - by * cx
        if not area > float32(LEAST_AREA):  # NaN ends here, too
            continue
        # clamped as floats, where they are small enough to be whole numbers; then as whole numbers, which index
        first = max(int32(ceil(min(max(ay + min(zero, by, cy), zero), float32(height)))), int32(0))
        last = min(int32(floor(max(min(ay + max(zero, by, cy), float32(height - 1)), float32(-1)))), int32(height - 1))
        begin, end = max(ax + min(zero, bx, cx), zero), min(ax + max(zero, bx, cx), right)
        share = one / area
        # Weights of j, k and i are linear in x and y; where a row crosses each edge: from the left where the weight grows with x.
        jx, kx, jy, ky = cy * share, -by * share, -cx * share, bx * share
        ix, iy = -jx - kx, -jy - ky
        rj, rk, ri = one / steep(jx), one / steep(kx), one / steep(ix)
        za, zb, zc = points[i, 2], points[j, 2] - points[i, 2], points[k, 2] - points[i, 2]
        if not deep:
            za, zb, zc = float32(BACK) - float32(STEP) * float32(t), zero, zero
        ua, ub, uc = source[i, 0], source[j, 0] - source[i, 0], source[k, 0] - source[i, 0]
        va, vb, vc = source[i, 1], source[j, 1] - source[i, 1], source[k, 1] - source[i, 1]
        la, lb, lc = light[i], light[j] - light[i], light[k] - light[i]
        zx, ux, vx, lx = zb * jx + zc * kx, ub * jx + uc * kx, vb * jx + vc * kx, lb * jx + lc * kx
        for y in range(first, last + 1):
            dy = float32(y) - ay
            wj, wk = dy * jy, dy * ky  # at x = ax
            wi = one + dy * iy
            xj, xk, xi = ax - (wj + slack) * rj, ax - (wk + slack) * rk, ax - (wi + slack) * ri
            low = max(begin, xj if rj > zero else begin, xk if rk > zero else begin, xi if ri > zero else begin)
            high = min(end, xj if rj < zero else end, xk if rk < zero else end, xi if ri < zero else end)
            low, high = np.ceil(low), np.floor(high)
            if not low <= high:
                continue
            dx = float32(low) - ax
            z, u, v = za + wj * zb + wk * zc + dx * zx, ua + wj * ub + wk * uc + dx * ux, va + wj * vb + wk * vc + dx * vx
            column, until = max(int32(low), int32(0)), min(int32(high), int32(width - 1))
            fetch_lanes(depth, kinds, xs, ys, lights, uint32(y * width + column), uint32(until - column + 1),
                        z, u, v, la + wj * lb + wk * lc + dx * lx, zx, ux, vx, lx, kind)  # fmt: skip
