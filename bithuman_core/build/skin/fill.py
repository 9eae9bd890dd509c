"""Filling unknown texels from known neighbours (pull-push: average down a pyramid, then expand into the holes)."""

from __future__ import annotations

import numpy as np

from bithuman_core.build.arrays import Array


def fill(values: Array, weight: Array) -> Array:
    """values [h, w, c] where weight [h, w] > 0 stays; everything else becomes a smooth continuation of it."""
    h, w = weight.shape
    if h <= 2 or w <= 2:
        total = max(float(weight.sum()), 1e-6)
        mean = (values * weight[..., None]).sum((0, 1)) / total
        return np.where(weight[..., None] > 0, values, mean).astype(np.float32)
    ph, pw = h % 2, w % 2
    v = np.pad(values * weight[..., None], ((0, ph), (0, pw), (0, 0)))
    m = np.pad(weight, ((0, ph), (0, pw)))
    v2, m2 = _fours(v), _fours(m)
    coarse = v2 / np.maximum(m2, 1e-6)[..., None]
    coarse = fill(coarse.astype(np.float32), np.minimum(m2, 1).astype(np.float32))
    # bilinear expansion
    p = np.pad(coarse, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows = np.empty((2 * coarse.shape[0], p.shape[1], p.shape[2]), np.float32)
    rows[0::2] = 0.75 * p[1:-1] + 0.25 * p[:-2]
    rows[1::2] = 0.75 * p[1:-1] + 0.25 * p[2:]
    full = np.empty((rows.shape[0], 2 * coarse.shape[1], p.shape[2]), np.float32)
    full[:, 0::2] = 0.75 * rows[:, 1:-1] + 0.25 * rows[:, :-2]
    full[:, 1::2] = 0.75 * rows[:, 1:-1] + 0.25 * rows[:, 2:]
    out = (values - full[:h, :w]).astype(np.float32, copy=False)  # in place: large pictures are slow to allocate
    out *= np.clip(weight, 0, 1)[..., None]
    out += full[:h, :w]
    return out


def _fours(values: Array) -> Array:
    """Sums [h / 2, w / 2, ...] over 2 x 2 px; slices add up faster than a reshaped array does."""
    rows = values[0::2] + values[1::2]
    return rows[:, 0::2] + rows[:, 1::2]
