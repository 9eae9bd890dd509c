"""The face of a frame at rest, and its place on the screen (numba, one core, no allocation)."""

# pyright: reportCallIssue=false, reportArgumentType=false
from __future__ import annotations

import numpy as np
from numba import boolean, float32, uint8, void

from bithuman_core.render.kernel import kernel
from bithuman_core.render.signature import given, scratch

MOVED = 0.06  # px: vertices that move less are left


@kernel(void(given(float32, 2), given(float32, 3), given(float32, 1), scratch(float32, 2)), fastmath=True)
def rest_face(vertices, basis, amount, out):
    """out [V, 3] = vertices + sum of amount[r] * basis[r]: the calm face of one frame."""
    out[:] = vertices
    flat = out.reshape(-1)
    for r in range(basis.shape[0]):
        c, move = amount[r], basis[r].reshape(-1)
        for k in range(flat.shape[0]):
            flat[k] += c * move[k]


@kernel(
    void(
        given(float32, 2), given(float32, 2), float32, float32, float32, float32, float32, float32, scratch(float32, 2),
    ),
    fastmath=True,
)  # fmt: skip
def place(points, turn, shift_x, shift_y, distance, centre_x, centre_y, scale, out):
    """out [V, 3]: frame px and depth of points [V, 3] in head space; turn [3, 3]: rotation times size."""
    for v in range(points.shape[0]):
        a, b, c = points[v, 0], points[v, 1], points[v, 2]
        x = turn[0, 0] * a + turn[0, 1] * b + turn[0, 2] * c + shift_x
        y = turn[1, 0] * a + turn[1, 1] * b + turn[1, 2] * c + shift_y
        z = turn[2, 0] * a + turn[2, 1] * b + turn[2, 2] * c
        k = distance / (distance + z)
        out[v, 0] = (x * k + centre_x) * scale
        out[v, 1] = (y * k + centre_y) * scale
        out[v, 2] = z


@kernel(void(given(float32, 2), given(float32, 2), given(uint8, 1), boolean, scratch(uint8, 1), scratch(float32, 1)))
def find_moved(source, target, near, anywhere, out, bounds):
    """out [V] = 1 where the two places [V, 3] are apart; if they are so ``anywhere``, also where near [V] says so.

    bounds [4]: smallest x and y of the places that these go to, largest x and y; inf, -inf of none.
    """
    bounds[0], bounds[1], bounds[2], bounds[3] = np.inf, np.inf, -np.inf, -np.inf
    for v in range(out.shape[0]):
        far = max(abs(source[v, 0] - target[v, 0]), abs(source[v, 1] - target[v, 1]))
        out[v] = uint8(far > float32(MOVED))
        anywhere |= out[v] != 0
    for v in range(out.shape[0]):
        out[v] |= near[v] if anywhere else uint8(0)
        if out[v]:
            bounds[0], bounds[1] = min(bounds[0], target[v, 0]), min(bounds[1], target[v, 1])
            bounds[2], bounds[3] = max(bounds[2], target[v, 0]), max(bounds[3], target[v, 1])
