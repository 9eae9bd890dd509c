"""Outlines of eyes on the canvas: how far a place is from one, and whether it lies inside."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from bithuman_core.build.arrays import Array

DENSE = 8  # points of an outline to one of its ring


def to_outline(ring: Array, points: Array, reach: float) -> Array:
    """Px [n] from points [n, 2] to the closed line through a ring [m, 2]; inf from reach on."""
    steps = np.linspace(0, 1, DENSE, endpoint=False)[:, None]
    line = np.concatenate([a + (b - a) * steps for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True)])
    away, near = np.full(len(points), np.inf), _about(ring, points, reach)
    away[near] = KDTree(line).query(points[near], distance_upper_bound=reach)[0]
    return away


def within(points: Array, ring: Array) -> Array:
    """Which points [n, 2] lie inside the polygon ring [m, 2] (even-odd rule)."""
    inside, near = np.zeros(len(points), bool), _about(ring, points, 1.0)
    inside[near] = _crossed(points[near], ring)
    return inside


def _about(ring: Array, points: Array, reach: float) -> Array:
    """Which points [n, 2] lie in the box of a ring [m, 2], or no farther than reach beside it: most of a picture is neither."""
    return ((points >= ring.min(0) - reach) & (points <= ring.max(0) + reach)).all(1)


def _crossed(points: Array, ring: Array) -> Array:
    inside = np.zeros(len(points), bool)
    for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        crosses = (a[1] > points[:, 1]) != (b[1] > points[:, 1])
        x = a[0] + (points[:, 1] - a[1]) / np.where(b[1] == a[1], 1e-9, b[1] - a[1]) * (b[0] - a[0])
        inside ^= crosses & (points[:, 0] < x)
    return inside
