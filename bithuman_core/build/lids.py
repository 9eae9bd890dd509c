"""Lids: skin for the folds that the open eye hides, and the line of lashes that a closing one shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bithuman_core.build.camera import project
from bithuman_core.build.shapes import lids
from bithuman_core.build.skin import Texels
from bithuman_core.build.template import Array, Template

THICK = 0.05  # of the eye's width: lashes below a closed lid
DOWN = 0.5  # of that, as the eye looks down
IN_FRONT = 2.5  # px: lashes before the lid
EVEN = (0.62, 1.3)  # brightness in units of the cheeks': darker (lashes, brows, a frame) or brighter (a reflex) is no lid
ABOUT = 0.45  # widths of the eye about it where lids take their colour from
CHEEKS = (50, 280, 101, 330, 205, 425)
DARKEST = np.array([0.30, 0.24, 0.21])  # lashes are no brighter than this


def plain(template: Template, tx: Texels, colour: Array, places: Array, landmarks: Array, points: Array) -> Array:
    """Which texels [n] 0..1 can lend their colour to hidden ones: about the eyes only even skin. colour [n, 3] of the photo."""
    cheeks = landmarks[list(CHEEKS), :2]
    near = np.linalg.norm(places[:, None] - cheeks[None], axis=2).min(1) < 6
    light = colour.mean(1)
    usual = float(np.median(light[near])) if near.any() else float(np.median(light))
    even = (light > EVEN[0] * usual) & (light < EVEN[1] * usual)
    out = np.ones(len(places), np.float32)
    for ring in ("eye_left", "eye_right"):
        rim = project(template.at(ring, points))[:, :2]
        size = float(np.linalg.norm(rim[0] - rim[12]))
        middle = rim.mean(0)
        about = (np.abs(places - middle) < (0.5 + ABOUT) * size * np.array([1.0, 0.7])).all(1)
        out[about & ~even] = 0.0
    return out


@dataclass(frozen=True)
class Lashes:
    """Ribbons of lashes, nothing in the neutral: px space [n, 3], deltas [S, n, 3], triangles [t, 3] and their colour [3]."""

    points: Array
    deltas: Array
    triangles: Array
    colour: Array


def lashes(template: Template, points: Array, deltas: Array, photo: Array) -> Lashes:
    """Lashes of the upper lids of the neutral vertices points [V, 3] with deltas [S, V, 3], in the photo's colour."""
    where, moves, triangles, colours = [], [], [], []
    for k, side in enumerate(("left", "right")):
        index, weight = (lids(a)[0] for a in template.rings[f"eye_{side}"])
        edge = (points[index] * weight[..., None]).sum(1) - (0, 0, IN_FRONT)
        follow = (deltas[:, index] * weight[..., None]).sum(2)
        size = float(np.linalg.norm(edge[0] - edge[-1]))
        hang = THICK * size * np.sin(np.linspace(0.12, np.pi - 0.12, len(edge))) ** 0.6
        tips = follow.copy()
        tips[template.names.index(f"eyeBlink{side.capitalize()}"), :, 1] += hang
        tips[template.names.index(f"eyeLookDown{side.capitalize()}"), :, 1] += DOWN * hang
        n = len(edge)
        a = np.arange(n - 1) + 2 * n * k
        where += [edge, edge]
        moves += [follow, tips]
        triangles += [np.stack([a, a + 1, a + n + 1], 1), np.stack([a, a + n + 1, a + n], 1)]
        x, y = np.clip(project(edge)[2:-2, :2], 3, len(photo) - 4).astype(int).T
        line = np.stack([photo[np.clip(y + d, 0, len(photo) - 1), x] for d in (-3, -1, 1)])
        colours.append(line[line.mean(2).argmin(0), np.arange(len(x))])
    colour = np.quantile(np.concatenate(colours), 0.25, axis=0)
    return Lashes(np.concatenate(where), np.concatenate(moves, 1).astype(np.float32), np.concatenate(triangles),
                  np.minimum(0.8 * colour, DARKEST))  # fmt: skip
