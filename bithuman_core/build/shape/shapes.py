"""What every coefficient moves in this face: the template's moves, turned and scaled, with gains that make lids meet."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from bithuman_core.build.arrays import Array
from bithuman_core.build.shape.camera import project
from bithuman_core.build.shape.fit import LIPS_OPEN, Fit
from bithuman_core.build.shape.template import EYE, MOUTH, SKIN, Template

GAIN = (0.6, 3.0)  # of a blink: the eyes of 3D cartoons are half as high again as a person's, and more
OVERLAP = 1.0  # px: how far the upper lid goes beyond the lower one
MIDDLE = slice(3, 10)  # of the 13 points of a lid from corner to corner: where the gap is wide enough to be measured
ROUND, ROUND_REACH = 0.62, 0.05  # exponent of the open lip's arc (1: parabola, 0.5: ellipse); face widths below it that follow
SKIN_ABOVE_EYE = 1.0  # px: the lid stays this far in front of the eyeball


def transferred(template: Template, fitted: Fit, points: Array, eyes: dict[str, tuple[Array, float]]) -> Array:
    """Deltas [S, V, 3] f32 in px space for the neutral vertices points [V, 3].

    eyes: centre [3] and radius of the eyeballs (px space) by side.
    """
    deltas = template.deltas @ fitted.turn.T.astype(np.float32)
    for side in ("Left", "Right"):
        blink = template.names.index(f"eyeBlink{side}")
        deltas[blink] = _closing(template, points, deltas[blink], f"eye_{side.lower()}")
        _off_the_eye(template, points, deltas[blink], *eyes[side.lower()])
    jaw = template.names.index("jawOpen")
    deltas[jaw] += _rounder(template, points, deltas[jaw], fitted.face_width)
    return deltas


def _rounder(template: Template, points: Array, delta: Array, width: float) -> Array:
    """What the lower lip of the open jaw lacks to a round opening [V, 3]: the model's lip opens to a wedge in wide mouths."""
    lips = template.at("lips_inner", delta)
    lower = np.concatenate([lips[:1], lips[:19:-1]])[:, 1]
    along = np.linspace(-1, 1, 21)
    base = np.interp(along, [-1, 1], lower[[0, -1]])
    wanted = base + (lower.max() - base) * (1 - np.abs(along) ** 2) ** ROUND
    lack = np.maximum(wanted - lower, 0)
    apart = template.points + LIPS_OPEN * template.deltas[template.names.index("jawOpen")]
    ring = template.at("lips_inner", apart)
    row = np.concatenate([ring[:1], ring[:19:-1]])
    skin = np.setdiff1d(template.vertices_of(SKIN, MOUTH), template.teeth)
    distance = cdist(apart[skin], row)
    upper = cdist(apart[skin], ring[1:20]).min(1)
    near = np.exp(-((distance.min(1) / (ROUND_REACH * width)) ** 2)) * (distance.min(1) < upper)
    out = np.zeros_like(delta)
    out[skin, 1] = near * lack[distance.argmin(1)]
    return out


def lids(ring: Array) -> tuple[Array, Array]:
    """Upper and lower lid, each [13, ...] from the image-left corner to the image-right one."""
    return ring[:13], np.concatenate([ring[:1], ring[:11:-1]])


def _closing(template: Template, points: Array, delta: Array, ring: str) -> Array:
    here = project(template.at(ring, points))
    there = project(template.at(ring, points + delta))
    upper, lower = lids(here)
    opening = lower[:, 1] - upper[:, 1] + OVERLAP
    closing = opening - OVERLAP - np.subtract(*(lid[:, 1] for lid in lids(there)[::-1]))
    gain = np.clip(opening / np.maximum(closing, 1.0), *GAIN)
    gain[: MIDDLE.start], gain[MIDDLE.stop :] = gain[MIDDLE.start], gain[MIDDLE.stop - 1]
    gain = np.convolve(np.pad(gain, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    x = project(points)[:, 0]
    return delta * np.interp(x, upper[:, 0], gain)[:, None].astype(np.float32)


def _off_the_eye(template: Template, points: Array, delta: Array, centre: Array, radius: float) -> None:
    """Let the closed lid slide over the eyeball instead of cutting into it (z of delta, in place)."""
    moved = np.flatnonzero(np.abs(delta).max(1) > 0.1)
    moved = np.setdiff1d(moved, template.vertices_of(EYE))
    p = points[moved] + delta[moved]
    beside = np.hypot(p[:, 0] - centre[0], p[:, 1] - centre[1])
    front = centre[2] - np.sqrt(np.maximum(radius**2 - beside**2, 0)) - SKIN_ABOVE_EYE
    inside = (beside < 0.9 * radius) & (p[:, 2] > front)
    delta[moved[inside], 2] -= (p[inside, 2] - front[inside]).astype(np.float32)
