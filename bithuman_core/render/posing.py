"""Posing the mesh: blendshapes, head rotation and perspective (numba, one core, no allocation)."""

from __future__ import annotations

import numpy as np
from numba import float32, float64, uint8, uint16, uint32, void

from bithuman_core.render.kernel import kernel
from bithuman_core.render.signature import given, scratch

WEIGHTS = 256  # head weights are stored as uint8: one rotation per weight


@kernel(
    void(
        given(float32, 2), given(uint32, 1), given(uint16, 1), given(float32, 2), given(float32, 1),
        scratch(float32, 2),
    ),
    fastmath=True,
)  # fmt: skip
def blend_shapes(neutral, start, index, delta, amount, out):
    """out = neutral + sum of amount[s] * delta of shape s. Rows start[s]..start[s + 1] of index and delta are shape s."""
    for v in range(neutral.shape[0]):
        out[v, 0] = neutral[v, 0]
        out[v, 1] = neutral[v, 1]
        out[v, 2] = neutral[v, 2]
    for s in range(amount.shape[0]):
        c = amount[s]
        if c == 0.0:
            continue
        for k in range(start[s], start[s + 1]):
            v = index[k]
            out[v, 0] += c * delta[k, 0]
            out[v, 1] += c * delta[k, 1]
            out[v, 2] += c * delta[k, 2]


@kernel(
    void(given(float64, 1), float64, scratch(float32, 2)),
)  # fmt: skip
def head_transforms(head, breath, out):
    """Rows of out (float32 [256, 12]): rotation by the weighted angles, row-major, then the weighted shift.

    head [6]: yaw, pitch, roll (radians), x, y, z (px). Rotation: Rz(roll) Rx(pitch) Ry(yaw) in px space.
    breath: px by which the shoulders (weight 0) rise; the less a point follows the head, the more of it.
    """
    yaw, pitch, roll, x, y, z = head[0], head[1], head[2], head[3], head[4], head[5]
    for k in range(out.shape[0]):
        w = k / (out.shape[0] - 1)
        cy, sy = np.cos(w * yaw), np.sin(w * yaw)
        cp, sp = np.cos(w * pitch), np.sin(w * pitch)
        cr, sr = np.cos(w * roll), np.sin(w * roll)
        # Rz(roll) @ Rx(pitch) @ Ry(yaw) written out
        out[k, 0] = cr * cy - sr * sp * sy
        out[k, 1] = -sr * cp
        out[k, 2] = -cr * sy - sr * sp * cy
        out[k, 3] = sr * cy + cr * sp * sy
        out[k, 4] = cr * cp
        out[k, 5] = -sr * sy + cr * sp * cy
        out[k, 6] = cp * sy
        out[k, 7] = -sp
        out[k, 8] = cp * cy
        out[k, 9] = w * x
        out[k, 10] = w * y - (1 - w) * (1 - w) * breath
        out[k, 11] = w * z


@kernel(
    void(
        given(float32, 2), given(uint8, 1), given(float32, 2), given(float32, 1), float32, float32, float32,
        float32, float32, scratch(float32, 2),
    ),
    fastmath=True,
)  # fmt: skip
def project(points, weight, transforms, pivot, distance, centre_x, centre_y, scale_x, scale_y, out):
    """Turn points (px space) with the head and project: out = screen x, y (px of the sample grid) and z (px space)."""
    for v in range(points.shape[0]):
        m = transforms[weight[v]]
        x = points[v, 0] - pivot[0]
        y = points[v, 1] - pivot[1]
        z = points[v, 2] - pivot[2]
        px = m[0] * x + m[1] * y + m[2] * z + pivot[0] + m[9]
        py = m[3] * x + m[4] * y + m[5] * z + pivot[1] + m[10]
        pz = m[6] * x + m[7] * y + m[8] * z + pivot[2] + m[11]
        k = distance / (distance + pz)
        out[v, 0] = (centre_x + px * k) * scale_x
        out[v, 1] = (centre_y + py * k) * scale_y
        out[v, 2] = pz
