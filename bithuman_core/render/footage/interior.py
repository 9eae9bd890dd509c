"""The inside of the mouth: the person's own teeth and tongue, from the frames of the clip that show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.footage.drawing import Opening

Floats = NDArray[np.float32]
TALL, WIDE = 48, 96  # px of a patch: rows from the upper to the lower lip, columns along them
UPPER, LOWER = np.arange(21), np.r_[0, np.arange(39, 19, -1)]  # of the ring of the inner lips, from the image-left corner
MIDDLE = slice(6, 15)  # of the 21 points of a lip: where its gap is measured
GAP_OFFSET, GAP_UNIT, WIDTH_UNIT = 0.012, 0.22, 0.035  # face widths: how alike two openings are (interior features)
KIN = 0.5  # sigma, of the features: which pictures are blended
KEPT = 0.45  # of the blend a tick before: no flicker between pictures
LEAST_SHARE = 0.05
SHADED = np.array([0.36, 0.36, 0.42], np.float32)  # of the lips' own colour (BGR): where light comes through them only
ENDS, UPPER_EDGE, LOWER_EDGE = 0.85, 0.42, 0.7  # of it at the corners of the mouth, and where the lips turn inwards
CORNERS, TURNS = 0.18, 0.22  # of a patch's width and height over which these go over into what the picture shows
UNDER_LIPS = 0.8  # px by which the inside goes on under the lips
STRETCH = 1.15  # by which a picture may be made taller; beyond it the halves stay with their lips
ROWS = np.array([0, 0.25, 0.5, 0.5, 0.75, 1], np.float32)  # of the patch that the grid's rows show


@dataclass(frozen=True)
class Interiors:
    """k pictures of the open mouth, rectified between the lips."""

    patches: Floats  # [k, TALL, WIDE, 3] 0..255, BGR
    features: Floats  # [k, 2], see features()
    gap: Floats  # [k] face widths


def measures(ring: Floats, face_width: float) -> tuple[float, float]:
    """(gap, width) of the inner lips, a ring [40, 2], in face widths (both px)."""
    gap = float(np.linalg.norm(ring[LOWER] - ring[UPPER], axis=-1)[MIDDLE].mean())
    return gap / face_width, float(np.linalg.norm(ring[0] - ring[20])) / face_width


def features(gap: float | Floats, width: float | Floats) -> Floats:
    """What openings are compared by: two numbers, a unit apart where they look different."""
    return np.stack([np.log(np.asarray(gap) + GAP_OFFSET) / GAP_UNIT, np.asarray(width) / WIDTH_UNIT], -1).astype(np.float32)


def smooth(share: NDArray[Any]) -> NDArray[Any]:
    """0 to 1 without a corner, where the share goes from 0 to 1."""
    t = np.clip(share, 0, 1)
    return t * t * (3 - 2 * t)


def edges() -> tuple[Floats, Floats]:
    """(Shades of the lips' colour [TALL, WIDE, 3], how much of a picture is seen before it [TALL, WIDE, 1]): lips end neither in
    a cut nor in a black hole, they turn inwards and meet at the corners."""
    across, down = ((np.arange(n) + 0.5) / n for n in (WIDE, TALL))
    corner = 1 - smooth(np.minimum(across, 1 - across) / CORNERS)[None]
    upper, lower = (1 - smooth(v / TURNS)[:, None] for v in (down, 1 - down))
    shade = np.broadcast_to(SHADED, (TALL, WIDE, 3))
    for part, edge in ((upper, UPPER_EDGE), (lower, LOWER_EDGE), (corner, ENDS)):
        shade = shade + part[..., None] * (edge - shade)
    clear = (1 - corner) * (1 - 0.6 * upper) * (1 - lower)
    return shade.astype(np.float32), clear[..., None].astype(np.float32)


class MouthInside:
    """Chooses and blends pictures for one session; remembers the blend of the tick before."""

    def __init__(self, interiors: Interiors) -> None:
        self._known = interiors
        self._blend: Floats | None = None
        self._least = float(interiors.gap.min())
        self._lips, self._clear = edges()
        self._places = np.stack(
            [np.tile(np.arange(21) / 20 * WIDE, len(ROWS)), np.repeat(ROWS * TALL, 21)], 1
        ).astype(np.float32)  # fmt: skip
        cells = [(r * 21 + c, r * 21 + c + 1, r * 21 + c + 22, r * 21 + c + 21) for r in range(5) for c in range(20)]
        self._triangles = np.array([t for a, b, c, d in cells for t in ((a, b, c), (a, c, d))], np.int32)

    def opening(self, ring: Floats, face_width: float, lips: Floats) -> Opening:
        """What is seen between the lips, a ring [40, 2] in frame px. lips: their colour, BGR 0..255."""
        known = self._known
        gap, width = measures(ring, face_width)
        apart = ((known.features - features(max(gap, self._least), width)) ** 2).sum(1)
        blend = np.exp(-(apart - apart.min()) / (2 * KIN**2)).astype(np.float32)
        blend /= blend.sum()
        if self._blend is not None:
            blend = (1 - KEPT) * blend + KEPT * self._blend
        self._blend = blend
        used = np.flatnonzero(blend > LEAST_SHARE)
        share = blend[used] / blend[used].sum()
        # einsum, not BLAS: its threads would go on waiting by being busy, a whole core of them between two ticks
        patch = np.einsum("k,kyxc->yxc", share, known.patches[used])
        shaded = lips * self._lips
        patch -= shaded
        patch *= self._clear * np.float32(min(gap / max(1.3 * self._least, 0.02), 1.0) ** 1.25)
        patch += shaded
        taller = max(gap / max(float(share @ known.gap[used]), 1e-3) / STRETCH, 1.0)
        part = 0.5 / taller
        down = np.array([0, 0.5 * part, part, 1 - part, 1 - 0.5 * part, 1], np.float32)
        upper, lower = ring[UPPER], ring[LOWER]
        way = lower - upper
        far = np.linalg.norm(way, axis=1, keepdims=True)
        way = np.where(far > 0.3, way / np.maximum(far, 0.3), np.array([0, 1], np.float32))
        upper, lower = upper - UNDER_LIPS * way, lower + UNDER_LIPS * way
        points = np.zeros((len(ROWS) * 21, 3), np.float32)
        points[:, :2] = (upper[None] * (1 - down)[:, None, None] + lower[None] * down[:, None, None]).reshape(-1, 2)
        light = np.ones((len(ROWS), 21), np.float32)
        light[2:4] *= 1 - 0.6 * min(taller - 1, 1)
        return Opening(np.ascontiguousarray(patch, np.float32), points, self._places, light.ravel(), self._triangles)
