"""Canvas and px space: the camera of a portrait."""

from __future__ import annotations

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.portrait import CANVAS

DISTANCE = 112.5 * 1024 / 32.5  # px from the camera to z = 0, as the template's: 0.9 m for a face of usual size


def project(points: Array) -> Array:
    """Px space [..., 3] -> canvas x, y and z."""
    k = DISTANCE / (DISTANCE + points[..., 2:])
    return np.concatenate([points[..., :2] * k + CANVAS / 2, points[..., 2:]], -1)


def unproject(points: Array) -> Array:
    """Canvas x, y and z [..., 3] -> px space."""
    k = (DISTANCE + points[..., 2:]) / DISTANCE
    return np.concatenate([(points[..., :2] - CANVAS / 2) * k, points[..., 2:]], -1)


def rotation(vector: Array) -> Array:
    """The 3 x 3 matrix of a rotation vector (axis times radians; Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-9:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
