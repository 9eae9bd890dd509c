"""Pictures of frames through the mesh: which triangle covers a pixel, and colours fetched from another frame (numba)."""

# pyright: reportCallIssue=false, reportArgumentType=false
from __future__ import annotations

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.render.kernel import CAREFUL, remembered


@remembered(nogil=True, fastmath=CAREFUL, error_model="numpy")
def _cover(points, triangles, depth, which, second, third):  # type: ignore[no-untyped-def]
    height, width = depth.shape
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = points[i, 0] - 0.5, points[i, 1] - 0.5
        bx, by = points[j, 0] - 0.5 - ax, points[j, 1] - 0.5 - ay
        cx, cy = points[k, 0] - 0.5 - ax, points[k, 1] - 0.5 - ay
        area = bx * cy - by * cx
        if not area > 1e-6:
            continue
        top = max(int(np.ceil(ay + min(0.0, by, cy))), 0)
        bottom = min(int(np.floor(ay + max(0.0, by, cy))), height - 1)
        left = max(int(np.ceil(ax + min(0.0, bx, cx))), 0)
        right = min(int(np.floor(ax + max(0.0, bx, cx))), width - 1)
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                dx, dy = x - ax, y - ay
                b, c = (dx * cy - dy * cx) / area, (dy * bx - dx * by) / area
                if b < -1e-4 or c < -1e-4 or b + c > 1.0001:
                    continue
                z = points[i, 2] + b * (points[j, 2] - points[i, 2]) + c * (points[k, 2] - points[i, 2])
                if z < depth[y, x]:
                    depth[y, x], which[y, x], second[y, x], third[y, x] = z, t, b, c


@remembered(nogil=True, fastmath=CAREFUL, error_model="numpy")
def _fetch(which, second, third, triangles, places, shade, picture, out):  # type: ignore[no-untyped-def]
    height, width = picture.shape[0], picture.shape[1]
    weight = np.empty((2, 4), np.float32)
    for y in range(which.shape[0]):
        for x in range(which.shape[1]):
            t = which[y, x]
            if t < 0:
                continue
            i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            b, c = second[y, x], third[y, x]
            a = 1 - b - c
            at = (a * places[i, 0] + b * places[j, 0] + c * places[k, 0], a * places[i, 1] + b * places[j, 1] + c * places[k, 1])
            glow = a * shade[i] + b * shade[j] + c * shade[k]
            u = min(max(at[0] - 0.5, 1.0), width - 3.0)
            v = min(max(at[1] - 0.5, 1.0), height - 3.0)
            iu, iv = min(max(int(u), 1), width - 3), min(max(int(v), 1), height - 3)
            for axis, f in ((0, u - iu), (1, v - iv)):  # Catmull-Rom
                weight[axis, 0] = f * (-0.5 + f * (1 - 0.5 * f))
                weight[axis, 1] = 1 + f * f * (-2.5 + 1.5 * f)
                weight[axis, 2] = f * (0.5 + f * (2 - 1.5 * f))
                weight[axis, 3] = f * f * (-0.5 + 0.5 * f)
            for channel in range(3):
                total = 0.0
                for row in range(4):
                    line = 0.0
                    for column in range(4):
                        line += weight[0, column] * picture[iv + row - 1, iu + column - 1, channel]
                    total += weight[1, row] * line
                out[y, x, channel] = min(max(total * glow, 0.0), 255.0)


class Cover:
    """What a posed mesh covers of a box of the frame."""

    def __init__(self, screen: Array, triangles: Array, corner: tuple[int, int], size: tuple[int, int]) -> None:
        """screen: f32 [V, 3] frame px and depth. corner, size: x, y and width, height of the box."""
        width, height = size
        points = screen.astype(np.float32) - np.array([*corner, 0], np.float32)
        self._triangles = triangles
        self._which = np.full((height, width), -1, np.int32)
        self._second, self._third = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
        _cover(points, triangles, np.full((height, width), 1e9, np.float32), self._which, self._second, self._third)

    @property
    def covered(self) -> Array:
        """bool [h, w]."""
        return self._which >= 0

    def spread(self, values: Array) -> Array:
        """Values [V] of the vertices over the box, f32 [h, w]; 0 where nothing lies."""
        corners = values[self._triangles[np.maximum(self._which, 0)]]
        first = 1 - self._second - self._third
        mixed = corners[..., 0] * first + corners[..., 1] * self._second + corners[..., 2] * self._third
        return np.where(self.covered, mixed, 0).astype(np.float32)

    def fetch(self, picture: Array, places: Array, shade: Array) -> Array:
        """The colours of a picture [h, w, 3] uint8 at the vertices' places [V, 2] in it, times shade [V]: f32 [h, w, 3]."""
        out = np.zeros((*self._which.shape, 3), np.float32)
        where = np.ascontiguousarray(places, np.float32)
        _fetch(self._which, self._second, self._third, self._triangles, where, shade, picture, out)
        return out
