"""Lashes: every strand as a narrow ribbon that follows the lid."""

from __future__ import annotations

import numpy as np

from training.avatars.arrays import Array
from training.avatars.source import Bake

POINTS = (0, 1, 3, 4)  # of the strand's six; beyond, a lash is thinner than a sample
LEAST_WIDTH = 0.8  # canvas px


def ribbons(bake: Bake) -> tuple[Array, Array, Array, Array]:
    """Points [V, 3] (px space), deltas [shapes, V, 3], triangles [T, 3], place [V, 2]: 1 on lower lashes, 0 root .. 1 tip."""
    head = bake.head
    strands = bake.strands.Lashes(head, **bake.look["lash"])
    px, flip = bake.camera.px, np.array([1.0, -1.0, -1.0])
    pick = lambda v: np.asarray(strands.pts(v))[:, POINTS]  # noqa: E731
    neutral = pick(head.neutral)
    middle = bake.ortho(neutral)
    deltas = []
    for name in bake.shapes:
        moved = sum(k * head.delta(ict) for ict, k in bake.model.ARKIT_TO_ICT[name].items())
        deltas.append(pick(moved) * px * flip)
    along = middle[:, -1] - middle[:, 0]
    side = np.stack([-along[:, 1], along[:, 0], np.zeros(len(along))], 1)
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    share = np.array(POINTS) / 5
    taper = (1 - share) ** 0.6 * (1 - 0.12) + 0.12
    radius = bake.look["lash_radius"] * px * np.where(strands.is_lower, 0.45, 1.0)
    half = np.maximum(radius[:, None] * taper, LEAST_WIDTH / 2)
    offset = side[:, None] * half[..., None]
    points = np.stack([middle - offset, middle + offset], 2)  # [strands, points, 2, 3]
    n, k = len(middle), len(POINTS)
    index = np.arange(n * k * 2).reshape(n, k, 2)
    a, b, c, d = index[:, :-1, 0], index[:, :-1, 1], index[:, 1:, 1], index[:, 1:, 0]
    quads = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], 2).reshape(-1, 3)
    both = np.concatenate([quads, quads[:, ::-1]])  # seen from either side
    spread = np.repeat(np.stack(deltas).reshape(len(deltas), n * k, 1, 3), 2, 2).reshape(len(deltas), -1, 3)
    lower = np.broadcast_to(np.asarray(strands.is_lower, float)[:, None, None], (n, k, 2))
    place = np.stack([lower.ravel(), np.broadcast_to(share[None, :, None], (n, k, 2)).ravel()], 1)
    return points.reshape(-1, 3), spread.astype(np.float32), both, place
