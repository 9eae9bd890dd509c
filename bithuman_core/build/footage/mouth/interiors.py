"""Pictures of the person's open mouth, rectified between her lips, for `render.footage.interior`."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import laplace, map_coordinates

from bithuman_core.build.arrays import Array
from bithuman_core.build.footage.clip.frames import Frames
from bithuman_core.build.footage.mouth.lips import LipRing
from bithuman_core.render.footage.interior import TALL, WIDE, Interiors, measures
from bithuman_core.render.footage.mouth_patch import KIN, LOWER, UPPER, features

LEAST_GAP = 0.024  # face widths
FEWEST, MOST = 4, 20  # openings that a clip must show, pictures that are kept: a yawn or a laugh is one, a sentence has many
APART = 0.8  # of the features, between any two
SHARPNESS = 0.5  # how much it counts beside being typical


def open_mouths(frames: Frames, ring: LipRing, found: Array, face_width: float) -> Interiors | None:
    """The most typical, sharp pictures of n frames; None where the mouth hardly opens in them. face_width: frame px."""
    told = np.array([measures(r, face_width) for r in ring.interior])
    seen = np.flatnonzero((told[:, 0] > LEAST_GAP) & found)
    openings = 1 + int((np.diff(seen) > 1).sum()) if len(seen) else 0
    if openings < FEWEST:
        return None
    patches = np.stack([patch(frames[i], ring.interior[i]) for i in seen])
    sharp = np.array([np.abs(laplace(p.mean(-1))).mean() for p in patches])
    points = features(told[seen, 0], told[seen, 1])
    near = np.exp(-((points[:, None] - points[None]) ** 2).sum(-1) / (2 * KIN**2))
    near /= near.sum(1, keepdims=True)
    small = patches[:, ::3, ::3].reshape(len(seen), -1)
    odd = np.sqrt(((small - near @ small) ** 2).mean(1))
    order = np.argsort(odd / max(float(np.median(odd)), 1e-6) - SHARPNESS * sharp / max(float(np.median(sharp)), 1e-6))
    chosen: list[int] = []
    for k in order:
        if len(chosen) < MOST and all(np.linalg.norm(points[k] - points[c]) > APART for c in chosen):
            chosen.append(int(k))
    return Interiors(patches[chosen], points[chosen], told[seen[chosen], 0].astype(np.float32))


def patch(frame: Array, ring: Array) -> Array:
    """What lies within a ring [40, 2] px of a frame, f32 [TALL, WIDE, 3]."""
    down = (np.arange(TALL) + 0.5) / TALL
    along = (np.arange(WIDE) + 0.5) / WIDE * 20
    upper, lower = (np.stack([np.interp(along, np.arange(21), ring[lip][:, d]) for d in (0, 1)], 1) for lip in (UPPER, LOWER))
    at = upper[None] * (1 - down)[:, None, None] + lower[None] * down[:, None, None]
    picture = frame.astype(np.float32)
    places = [at[..., 1] - 0.5, at[..., 0] - 0.5]
    return np.stack([map_coordinates(picture[..., c], places, order=1, mode="nearest") for c in range(3)], -1).astype(np.float32)
