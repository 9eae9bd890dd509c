"""The rest pose: what the rig's neutral face keeps of the photo's expression. The mouth is closed."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from bithuman_core.build.arrays import Array
from bithuman_core.build.shape.camera import project
from bithuman_core.build.shape.fit import TOUCHING, Fit, spread_remainder
from bithuman_core.build.shape.lips import UPPER_LIP, Seal
from bithuman_core.build.shape.template import Template

OPENING = ("jawOpen", "mouthLowerDown", "mouthUpperUp", "mouthFunnel", "mouthStretch", "mouthPucker", "mouthShrug")
"""Shapes (by the beginning of their names) that part the lips; a closed mouth holds none of them."""
SMILING = ("mouthSmile", "mouthDimple", "cheekSquint", "mouthPress")
KEPT_SMILE = 0.45  # of the photo's smile once the lips have closed: its creases stay in the skin
TEETH_BLUR, LIP_REACH = 0.012, 0.04  # face widths of lip that the photo mixes with teeth; in which a tooth may still be meant
BRIGHT, DARK = 1.12, 0.6  # brightness of teeth and of the dark behind them, in units of the lips'
OUTER = 0.75  # of the inner lip's move that its outer line follows
UPPER_INNER, LOWER_INNER = (191, 80, 81, 82, 13, 312, 311, 310, 415), (95, 88, 178, 87, 14, 317, 402, 318, 324)
UPPER_OUTER, LOWER_OUTER = (40, 39, 37, 0, 267, 269, 270), (91, 181, 84, 17, 314, 405, 321)
CHIN = (152, 148, 377, 176, 400, 199, 200, 18, 175, 83, 313)


def gap(template: Template, points: Array) -> Array:
    """Canvas px between upper and lower lip at the nine pairs of points of the inner lips [9]; below 0 they overlap."""
    marks = project(template.at("mediapipe", points))
    return marks[list(LOWER_INNER), 1] - marks[list(UPPER_INNER), 1]


def rest(template: Template, fitted: Fit) -> tuple[Array, dict[str, float]]:
    """Vertices [V, 3] of the neutral face (px space) and what is left of the photo's expression."""
    points, kept = fitted.points, dict(fitted.expression)
    if gap(template, points).max() > TOUCHING * fitted.face_width:
        for name, amount in fitted.expression.items():
            if name.startswith(OPENING):
                kept[name] = 0.0
            elif name.startswith(SMILING):
                kept[name] = KEPT_SMILE * amount
        gone = sum((fitted.expression[n] - kept[n]) * template.deltas[template.names.index(n)] for n in kept)
        points = points - np.asarray(gone, np.float64) @ fitted.turn.T
    for _ in range(2):  # what is left of the gap is closed by the lips themselves
        left = gap(template, points)
        miss = np.zeros((468, 2))
        miss[list(UPPER_INNER), 1], miss[list(LOWER_INNER), 1] = UPPER_LIP * left, (UPPER_LIP - 1) * left
        miss[list(UPPER_OUTER), 1] = OUTER * UPPER_LIP * left[1:-1]
        miss[list(LOWER_OUTER), 1] = OUTER * (UPPER_LIP - 1) * left[1:-1]
        miss[list(CHIN), 1] = 0.5 * (UPPER_LIP - 1) * left.mean()
        points = spread_remainder(template, points, miss, fitted.face_width)
    return Seal(template)(points), {n: v for n, v in kept.items() if v > 0}


def lip_trust(template: Template, fitted: Fit, places: Array, colour: Array) -> Array:
    """Which photo px at places [n, 2] of colour [n, 3] are lip and not teeth or the dark beside it [n]; all of a closed mouth."""
    if gap(template, fitted.points).max() <= TOUCHING * fitted.face_width:
        return np.ones(len(places), np.float32)
    ring = project(template.at("lips_inner", fitted.points))[:, :2]
    away = KDTree(ring).query(places)[0] / fitted.face_width
    light, grey = colour.mean(1), colour.min(1) / np.maximum(colour.max(1), 1e-3)
    lip = (away > TEETH_BLUR) & (away < LIP_REACH)
    usual, usual_grey = np.median(light[lip]), np.median(grey[lip])
    tooth = (light > BRIGHT * usual) & (grey > usual_grey) | (light < DARK * usual)
    return np.where((away < 0.5 * TEETH_BLUR) | (away < LIP_REACH) & tooth, 0, 1).astype(np.float32)
