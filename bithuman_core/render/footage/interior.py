"""The inside of the mouth: the person's own teeth and tongue, from the frames of the clip that show them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.footage.layers import Opening
from bithuman_core.render.smoothstep import smoothstep

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
DEEP, FINE = (0.006, 0.012), 0.01  # face widths over which lips turn inwards in wider mouths, upper and lower; steps of the share
SHADOWED = 0.4  # of a picture, right under the upper lip
UNDER_LIPS = 0.8  # px by which the inside goes on under the lips
STRETCH = 1.15  # by which a picture may be made taller; beyond it the halves stay with their lips
ROWS = np.array([0, 0, 0.25, 0.5, 0.5, 0.75, 1, 1], np.float32)  # of the patch that the grid's rows show
INSIDE, PARTED = 1.7, 4.0  # px (512 px frames) from the lips to where pictures begin; less where lips are nearer than that
SHOWN_FROM = 0.5  # of it: where they are drawn from, for the lips of many are found some of that inside


@dataclass(frozen=True)
class Interiors:
    """k pictures of the open mouth, rectified between the lips."""

    patches: Floats  # [k, TALL, WIDE, 3] 0..255, BGR
    features: Floats  # [k, 2], see features()
    gap: Floats  # [k] face widths


def measures(ring: Floats, face_width: float) -> tuple[float, float]:
    """(gap, width) of the inner lips, a ring [40, 2], in face widths (both px)."""
    return spans(ring[UPPER], ring[LOWER], face_width)


def spans(upper: Floats, lower: Floats, face_width: float) -> tuple[float, float]:
    """The same of both lips [21, 2]."""
    gap = float(np.linalg.norm(lower - upper, axis=-1)[MIDDLE].mean())
    return gap / face_width, float(np.linalg.norm(upper[0] - upper[20])) / face_width


def features(gap: float | Floats, width: float | Floats) -> Floats:
    """What openings are compared by: two numbers, a unit apart where they look different."""
    return np.stack([np.log(np.asarray(gap) + GAP_OFFSET) / GAP_UNIT, np.asarray(width) / WIDTH_UNIT], -1).astype(np.float32)


@cache
def edges(upwards: float, downwards: float) -> tuple[Floats, Floats]:
    """(Shades of the lips' colour [TALL, WIDE, 3], how much of a picture is seen before it [TALL, WIDE, 1]): lips end neither in
    a cut nor in a black hole, they turn inwards, within these shares of the mouth's height, and meet at the corners."""
    across, down = ((np.arange(n) + 0.5) / n for n in (WIDE, TALL))
    corner = 1 - smoothstep(np.minimum(across, 1 - across), 0, CORNERS)[None]
    upper, lower = (1 - smoothstep(v, 0, share)[:, None] for v, share in ((down, upwards), (1 - down, downwards)))
    shade = np.broadcast_to(SHADED, (TALL, WIDE, 3))
    for part, edge in ((upper, UPPER_EDGE), (lower, LOWER_EDGE), (corner, ENDS)):
        shade = shade + part[..., None] * (edge - shade)
    clear = (1 - corner) * (1 - SHADOWED * upper) * (1 - lower)
    made = shade.astype(np.float32), clear[..., None].astype(np.float32)
    for values in made:
        values.flags.writeable = False
    return made


class MouthInside:
    """Chooses and blends pictures for one session; remembers the blend of the tick before."""

    def __init__(self, interiors: Interiors) -> None:
        self._known = interiors
        self._blend: Floats | None = None
        self._least = float(interiors.gap.min())
        self._places = np.stack(
            [np.tile(np.arange(21) / 20 * WIDE, len(ROWS)), np.repeat(ROWS * TALL, 21)], 1
        ).astype(np.float32)  # fmt: skip
        quads = [(r, c) for r in range(len(ROWS) - 1) for c in range(20)]
        cells = [(r * 21 + c, r * 21 + c + 1, r * 21 + c + 22, r * 21 + c + 21) for r, c in quads]
        self._triangles = np.array([t for a, b, c, d in cells for t in ((a, b, c), (a, c, d))], np.int32)

    def opening(self, ring: Floats, face_width: float, lips: Floats, unit: float = 1.0) -> Opening:
        """What is seen between the lips, a ring [40, 2] in frame px. lips: their colour, BGR 0..255; unit: frame px to one of a
        512 px frame."""
        known = self._known
        upper, lower = ring[UPPER], ring[LOWER]
        way = lower - upper
        far = np.linalg.norm(way, axis=1, keepdims=True)
        way = np.where(far > 0.3, way / np.maximum(far, 0.3), np.array([0, 1], np.float32))
        inwards = SHOWN_FROM * INSIDE * unit * np.minimum(far / (PARTED * unit), 1) * way
        first, last = upper + inwards, lower - inwards
        opened, _ = measures(ring, face_width)
        gap, width = spans(first, last, face_width)
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
        taller = max(gap / max(float(share @ known.gap[used]), 1e-3) / STRETCH, 1.0)
        turns = [min(TURNS, deep / max(gap, 1e-3)) for deep in DEEP]
        turns[1] = min(turns[1] * taller**2, 0.5)  # what shines on the lower lip does not come along where it goes farther down
        shade, clear = edges(*(FINE * round(turn / FINE) for turn in turns))
        shaded = lips * shade
        patch -= shaded
        patch *= clear * np.float32(min(opened / max(1.3 * self._least, 0.02), 1.0) ** 1.25)
        patch += shaded
        part = 0.5 / taller
        down = np.array([0, 0.5 * part, part, 1 - part, 1 - 0.5 * part, 1], np.float32)[:, None, None]
        points = np.zeros((len(ROWS), 21, 3), np.float32)
        points[0, :, :2], points[-1, :, :2] = upper - UNDER_LIPS * way, lower + UNDER_LIPS * way
        points[1:-1, :, :2] = first * (1 - down) + last * down
        points = points.reshape(-1, 3)
        light = np.ones((len(ROWS), 21), np.float32)
        light[3:5] *= 1 - 0.6 * min(taller - 1, 1)
        return Opening(np.ascontiguousarray(patch, np.float32), points, self._places, light.ravel(), self._triangles)
