"""The rest pose: what the rig's neutral face keeps of the photo's expression. The mouth is closed."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

from bithuman_core.build.arrays import Array
from bithuman_core.build.shape.camera import project
from bithuman_core.build.shape.fit import TOUCHING, Fit, spread_remainder
from bithuman_core.build.shape.lips import UPPER_LIP, Seal
from bithuman_core.build.shape.teeth import placed
from bithuman_core.build.shape.template import Template

OPENING = ("jawOpen", "mouthLowerDown", "mouthUpperUp", "mouthFunnel", "mouthStretch", "mouthPucker", "mouthShrug",
           "mouthClose")
"""Shapes (by the beginning of their names) that part the lips; a closed mouth holds none of them."""
SMILING = ("mouthSmile", "mouthDimple", "cheekSquint")
ASKEW = ("mouthLeft", "mouthRight", "jawLeft", "jawRight", "mouthRoll", "mouthPress")
"""Shapes that a face at rest holds nothing of."""
KEPT_SMILE, MOST_SMILE = 0.45, 0.35  # of the photo's smile: its creases stay in the skin
CALM = 0.15  # of any other expression: less may be how this face is made
NATURAL = 0.008  # face widths by which corners of the mouth, or brows, may differ in height
MOUTH_CORNERS, MOUTH_REACH = (61,), 0.16  # MediaPipe numbers, image left; face widths that go with them
BROWS, BROW_REACH = (105, 66, 63), 0.1
FULL, FULLER = 0.62, 1.3  # height of the upper lip in units of the lower one's, by how much it may be raised for that
TEETH_BLUR, LIP_REACH = 0.012, 0.028  # face widths of lip that the photo mixes with teeth; in which a tooth may still be meant
BRIGHT, DARK, PALE = 1.1, 0.6, 0.7  # brightness of teeth and of the dark behind them, and colour of teeth, in units of the lips'
SPARSE, ABOUT = 4, 48  # one in so many texels of lip tells how bright it is; so many of these about a place do
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
    parted = gap(template, fitted.points).max() > TOUCHING * fitted.face_width
    kept = {name: _kept(name, fitted, parted) for name in fitted.expression}
    gone = sum(((amount - kept[n]) * template.deltas[template.names.index(n)] for n, amount in fitted.expression.items()),
               np.zeros_like(template.points))  # fmt: skip
    points = fitted.points - np.asarray(gone, np.float64) @ fitted.turn.T
    points = _even(template, fitted, points)
    for _ in range(2):  # what is left of the gap is closed by the lips themselves
        left = gap(template, points)
        miss = np.zeros((468, 2))
        miss[list(UPPER_INNER), 1], miss[list(LOWER_INNER), 1] = UPPER_LIP * left, (UPPER_LIP - 1) * left
        miss[list(UPPER_OUTER), 1] = OUTER * UPPER_LIP * left[1:-1]
        miss[list(LOWER_OUTER), 1] = OUTER * (UPPER_LIP - 1) * left[1:-1]
        miss[list(CHIN), 1] = 0.5 * (UPPER_LIP - 1) * left.mean()
        points = spread_remainder(template, points, miss, fitted.face_width)
    points = Seal(template)(_full(template, fitted, points))
    return placed(template, fitted, points), {n: v for n, v in kept.items() if v > 0}


def _kept(name: str, fitted: Fit, parted: bool) -> float:
    """What the neutral face keeps of one coefficient: as much on either side, and no more than a calm face has. parted: the lips.

    What the expression net does not see is left: the fit takes features of a face for expressions. Parted lips are surely parted.
    """
    amount = fitted.expression[name]
    if name.startswith("eye"):
        return amount
    sure = parted and name.startswith(OPENING + SMILING)
    return min(amount, max(_calm(name, fitted.expression), 0.0 if sure else amount - fitted.said.get(name, 0.0)))


def _calm(name: str, expression: dict[str, float]) -> float:
    """What a calm face has of one coefficient."""
    if name.startswith(OPENING + ASKEW):
        return 0.0
    side = next((side for side in ("Left", "Right") if name.endswith(side)), "")
    twin = name.removesuffix(side) + {"Left": "Right", "Right": "Left", "": ""}[side]
    both = min(expression[name], expression.get(twin, 0.0))
    return min(KEPT_SMILE * both, MOST_SMILE) if name.startswith(SMILING) else min(both, CALM)


def _even(template: Template, fitted: Fit, points: Array) -> Array:
    """Points [V, 3] with mouth and brows as high on either side: what a coefficient does not tell of a twist, landmarks do."""
    upright = (template.at("mediapipe", points) - fitted.shift) @ np.linalg.inv(fitted.turn).T
    twin = _mirrored(template)
    lower = upright[twin, 1] - upright[:, 1]
    unit = fitted.face_width / float(np.cbrt(np.linalg.det(fitted.turn)))
    move = np.zeros((468, 3))
    for rows, reach in ((MOUTH_CORNERS, MOUTH_REACH), (BROWS, BROW_REACH)):
        twist = float(lower[list(rows)].mean())  # of the pairs' image-left ends
        share = max(0.0, 1 - NATURAL * unit / max(abs(twist), 1e-6))
        middle = np.concatenate([upright[list(rows)], upright[twin[list(rows)]]])
        near = np.exp(-((cdist(upright, middle).min(1) / (reach * unit)) ** 2))
        move[:, 1] += 0.5 * share * near * lower
    miss = (move @ fitted.turn.T)[:, :2]
    return spread_remainder(template, points, miss, fitted.face_width) if np.abs(miss).max() > 0 else points


def _mirrored(template: Template) -> Array:
    """MediaPipe numbers [468] of the landmarks on the other side of the average face."""
    marks = template.at("mediapipe", template.points)
    return cdist(marks, marks * (-1, 1, 1)).argmin(1)


def heights(template: Template, points: Array) -> Array:
    """Canvas px from outer to inner line of upper and lower lip at seven places [2, 7]."""
    y = project(template.at("mediapipe", points))[:, 1]
    return np.stack([y[list(UPPER_INNER[1:-1])] - y[list(UPPER_OUTER)], y[list(LOWER_OUTER)] - y[list(LOWER_INNER[1:-1])]])


def _full(template: Template, fitted: Fit, points: Array) -> Array:
    """Points [V, 3] of closed lips with the area that lips have in the photo: those of a smile are wide and thin."""
    for _ in range(2):
        before, now = heights(template, fitted.points), heights(template, points)
        wanted = before * max(1.0, width(template, fitted.points) / width(template, points))
        upper, lower = wanted.sum(1)
        wanted[0] *= np.clip(FULL * lower / max(upper, 1e-3), 1, FULLER)
        lack = np.maximum(wanted - now, 0)
        miss = np.zeros((468, 2))
        miss[list(UPPER_OUTER), 1], miss[list(LOWER_OUTER), 1] = -lack[0], lack[1]
        points = spread_remainder(template, points, miss, fitted.face_width)
    return points


def width(template: Template, points: Array) -> float:
    """Px from corner to corner of the mouth."""
    marks = template.at("mediapipe", points)
    return float(np.linalg.norm(marks[61] - marks[291]))


def lip_trust(template: Template, fitted: Fit, places: Array, colour: Array, lip: Array) -> Array:
    """Which photo px at places [n, 2] of colour [n, 3] are no teeth and not the dark beside them [n], 0 or 1.

    lip [n]: which texels are lip. Teeth are brighter and nearly without colour; a reflex on the lip is no wider than its rim.
    """
    ring = project(template.at("lips_inner", fitted.points))[:, :2]
    away = KDTree(ring).query(places)[0] / fitted.face_width
    light, chroma = colour.mean(1), (colour.max(1) - colour.min(1)) / np.maximum(colour.max(1), 1e-3)
    sure = lip & (away > TEETH_BLUR)
    if not sure.any():
        return np.ones(len(places), np.float32)
    near = np.flatnonzero(away < LIP_REACH)
    rows = np.flatnonzero(sure)[::SPARSE]  # beside the texel: a part of the lip may lie in shade
    about = KDTree(places[rows]).query(places[near], k=min(ABOUT, len(rows)))[1].reshape(len(near), -1)
    usual = np.median(light[rows][about], axis=1)
    tooth = (light[near] > BRIGHT * usual) & (chroma[near] < PALE * np.median(chroma[sure])) | (light[near] < DARK * usual)
    parted = gap(template, fitted.points).max() > TOUCHING * fitted.face_width
    out = np.where((away < 0.5 * TEETH_BLUR) & parted, 0, 1).astype(np.float32)
    out[near[tooth]] = 0
    return out
