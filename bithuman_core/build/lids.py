"""Lids: skin for the folds that the open eye hides, and the line of lashes that a closing one shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bithuman_core.build.camera import project
from bithuman_core.build.shapes import lids
from bithuman_core.build.skin import Texels
from bithuman_core.build.template import Array, Template

THICK = 0.05  # of the eye's width: lashes below a closed lid
FORWARD = 0.12  # widths of the eye that lashes come forward as it closes
DOWN = 0.5  # of that, as the eye looks down
IN_FRONT = 2.5  # px: lashes before the lid
EVEN = (0.62, 1.3)  # brightness in units of the cheeks': darker (lashes, brows, a frame) or brighter (a reflex) is no lid
ABOUT = 0.45  # widths of the eye about it where lids take their colour from
CHEEKS = (50, 280, 101, 330, 205, 425)
OWN_LIDS = (0.75, 1.25)  # how far the colour of closed lids may be from the skin's around the eye
DARKEST = np.array([0.30, 0.24, 0.21])  # lashes are no brighter than this


def plain(template: Template, tx: Texels, colour: Array, places: Array, landmarks: Array, points: Array) -> Array:
    """Which texels [n] 0..1 can lend their colour to hidden ones: about the eyes only even skin. colour [n, 3] of the photo."""
    cheeks = landmarks[list(CHEEKS), :2]
    near = np.any([np.hypot(*(places - cheek).T) < 6 for cheek in cheeks], axis=0)
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


def in_their_colour(template: Template, tx: Texels, colour: Array, trust: Array, lid: Array) -> Array:
    """The painted skin colour [ATLAS, ATLAS, 3] with what the open eyes hide of the lids in the colour lid [3] of closed ones.

    trust [n]: how far the photo shows the texels.
    """
    hidden = 1 - tx.image(trust)
    out = colour.copy()
    for ring in ("eye_left", "eye_right"):
        index, weight = template.rings[ring]
        around = (template.uv[index] * weight[..., None]).sum(1)
        size = float(np.linalg.norm(around[0] - around[12]))
        middle = around.mean(0)
        yy, xx = np.mgrid[0:len(colour), 0:len(colour)] + 0.5
        near = np.clip(2 - np.hypot((xx - middle[0]) / (0.6 * size), (yy - middle[1]) / (0.45 * size)) * 1.6, 0, 1)
        share = (near * hidden)[..., None]
        folded = share[..., 0] > 0.5
        if folded.any():
            gain = np.clip(lid / np.maximum(np.median(colour[folded], axis=0), 1e-3), *OWN_LIDS)
            out *= 1 + (gain - 1) * share
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
        blink = template.names.index(f"eyeBlink{side.capitalize()}")
        tips[blink, :, 1] += hang
        for row in (follow, tips):  # a closed lid dips behind the lower one
            row[blink, :, 2] -= FORWARD * size
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
