"""Triangles of the face onto the frame's grid: where each sample comes from (numba, one core, no allocation).

A sample keeps its kind, its place in the picture that it is fetched from, and its light.
"""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

from math import ceil, floor

from numba import float32, int32, int64, uint8, void

from bithuman_core.render.kernel import CAREFUL, kernel
from bithuman_core.render.signature import given, scratch

NOTHING, AROUND, INTERIOR, SKIN = 0, 1, 2, 3  # kinds of samples
EDGE = 1e-4  # share of a triangle by which samples on its edge count for both sides
LEAST_AREA = 1e-6  # px: smaller and turned triangles are not drawn


@kernel(
    void(
        given(float32, 2), given(float32, 2), given(float32, 1), given(uint8, 1), given(int32, 2), float32, float32, float32,
        uint8, int64, int64, int64, scratch(float32, 1), scratch(uint8, 1), scratch(float32, 2),
    ),
    fastmath=CAREFUL, error_model="numpy",
)  # fmt: skip
def rasterise(points, source, light, active, triangles, density, left, top, kind, deep, width, height, depth, kinds, fetched):
    """Draw the triangles that have an active vertex; points [V, 3] frame px and depth, the box's corner at (left, top).

    density: samples to a px. deep: 1 where the nearest sample wins, 0 the last one. width, height: of the box in samples.
    depth, kinds [height * width], fetched [height * width, 3]: x, y in the picture, light.
    """
    low, zero, one = float32(-EDGE), float32(0), float32(1)
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        if active[i] + active[j] + active[k] == 0:
            continue
        ax = (points[i, 0] - left) * density - float32(0.5)
        ay = (points[i, 1] - top) * density - float32(0.5)
        bx = (points[j, 0] - left) * density - float32(0.5) - ax
        by = (points[j, 1] - top) * density - float32(0.5) - ay
        cx = (points[k, 0] - left) * density - float32(0.5) - ax
        cy = (points[k, 1] - top) * density - float32(0.5) - ay
        area = bx * cy - by * cx
        if not area > float32(LEAST_AREA):  # NaN ends here, too
            continue
        # clamped as floats, where they are small enough to be whole numbers; then as whole numbers, which index
        first = max(int32(ceil(min(max(ay + min(zero, by, cy), zero), float32(height)))), 0)
        last = min(int32(floor(max(min(ay + max(zero, by, cy), float32(height - 1)), float32(-1)))), int32(height - 1))
        begin = max(int32(ceil(min(max(ax + min(zero, bx, cx), zero), float32(width)))), 0)
        end = min(int32(floor(max(min(ax + max(zero, bx, cx), float32(width - 1)), float32(-1)))), int32(width - 1))
        share = one / area
        for y in range(first, last + 1):
            dy = float32(y) - ay
            row = int64(y) * width
            for x in range(begin, end + 1):
                dx = float32(x) - ax
                b = (dx * cy - dy * cx) * share
                c = (dy * bx - dx * by) * share
                if b < low or c < low or b + c > one - low:
                    continue
                at = row + x
                if deep:
                    z = points[i, 2] + b * (points[j, 2] - points[i, 2]) + c * (points[k, 2] - points[i, 2])
                    if z >= depth[at]:
                        continue
                    depth[at] = z
                kinds[at] = kind
                fetched[at, 0] = source[i, 0] + b * (source[j, 0] - source[i, 0]) + c * (source[k, 0] - source[i, 0])
                fetched[at, 1] = source[i, 1] + b * (source[j, 1] - source[i, 1]) + c * (source[k, 1] - source[i, 1])
                fetched[at, 2] = light[i] + b * (light[j] - light[i]) + c * (light[k] - light[i])
