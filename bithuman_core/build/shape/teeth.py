"""Teeth and tongue of the average head, set behind the closed lips of this one.

Landmarks say where lips are, and nothing of what is behind them: spread over the teeth, what remains of the fit hid them or
bared them as the corners of the mouth happened to lie.
"""

from __future__ import annotations

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.build.shape.camera import project, unproject
from bithuman_core.build.shape.fit import Fit
from bithuman_core.build.shape.template import TONGUE, Template

BELOW_LIP, ABOVE_LIP = 0.018, 0.007  # face widths of the upper incisors below closed lips, and of the lower ones above them
INCISORS = 22.0  # px of the template beside its middle
WIDER = (0.86, 1.16)  # how far the arch follows the width of the mouth
ROUND_LIPS = 0.02  # face widths that teeth withdraw behind pursed lips, which are rounder and longer than the average head's
LIP_DROP = 0.02  # face widths that the average head's upper lip comes down over the teeth as the jaw falls; they keep below it
CORNERS, MIDDLE = (78, 308), (13, 14)  # MediaPipe numbers of the inner lips


def jaws(template: Template) -> tuple[Array, Array]:
    """Rows of what is rigid with the skull, and of what goes with the jaw: lower teeth and tongue."""
    teeth = template.teeth
    falls = np.linalg.norm(template.deltas[template.names.index("jawOpen")][teeth], axis=1) > 1
    return teeth[~falls], teeth[falls]


def edges(template: Template, points: Array) -> tuple[Array, Array]:
    """The lowest of the upper incisors and the highest of the lower ones [3] of points [V, 3]."""
    upper, lower = (rows[np.abs(template.points[rows, 0]) < INCISORS] for rows in jaws(template))
    lower = lower[template.uv[lower, 0] < TONGUE]
    return points[upper[np.argmax(template.points[upper, 1])]], points[lower[np.argmin(template.points[lower, 1])]]


def placed(template: Template, fitted: Fit, points: Array) -> Array:
    """The neutral vertices points [V, 3], lips closed, with teeth and tongue where they belong."""
    own, average = template.at("mediapipe", points), template.at("mediapipe", template.points)
    width = lambda marks: float(np.linalg.norm(marks[CORNERS[0]] - marks[CORNERS[1]]))  # noqa: E731
    scale = float(np.cbrt(np.linalg.det(fitted.turn)))
    wider = float(np.clip(width(own) / (scale * width(average)), *WIDER))
    lips, there = own[list(MIDDLE)].mean(0), average[list(MIDDLE)].mean(0)
    out = points.copy()
    for rows in jaws(template):
        out[rows] = lips + (template.points[rows] - there) * (wider, 1, 1) @ fitted.turn.T
    line = project(lips[None])[0, 1]
    for rows, edge, wanted in zip(jaws(template), edges(template, out), (BELOW_LIP, -ABOVE_LIP), strict=True):
        seen = project(out[rows])  # from below or above, lips hide more or less of them: it is the picture that counts
        seen[:, 1] += line + wanted * fitted.face_width - project(edge[None])[0, 1]
        out[rows] = unproject(seen)
    return out


def withdrawn(template: Template, deltas: Array, width: float) -> None:
    """Let teeth keep behind pursed lips: nobody shows them in an "oo"; and the upper ones below the lip of an open mouth.

    deltas [S, V, 3]: changed in place; width: the face's.
    """
    deltas[template.names.index("jawOpen"), jaws(template)[0], 1] += LIP_DROP * width
    pucker = deltas[template.names.index("mouthPucker")]
    for rows, way in zip(jaws(template), (-1, 1), strict=True):
        pucker[rows, 1] += way * ROUND_LIPS * width
