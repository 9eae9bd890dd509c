"""Closed lips: they meet along their whole length, at rest and in every expression that does not part them."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from bithuman_core.build.arrays import Array
from bithuman_core.build.shape.camera import project, unproject
from bithuman_core.build.shape.fit import LIPS_OPEN
from bithuman_core.build.shape.template import MOUTH, SKIN, Template

UPPER_LIP = 0.2  # share of a gap that the upper lip closes
REACH = 0.016  # face widths beside the inner lips that follow them
CLOSE, WIDE = 1.5, 3.0  # times that: skin that is held on its side of their line, and that follows as this is smoothed
SMOOTH = 3.0  # how much a kink of the line of closed lips counts beside how far it is moved
IN_FRONT = 3.0  # px before the line where lips meet: the skin that is seen of them
KEPT = 0.5  # share of the average head's way from the line of the lips that skin beside it keeps at least
OVERLAP = 0.9  # px by which closed lips overlap
PARTING = 0.01  # face widths by which a shape of the average head parts its lips; what parts them less is a closed mouth
ABOUT_LIPS = ("mouth", "cheek", "jawLeft", "jawRight")  # beginnings of the names of what moves them
SMILE = ("mouthSmileLeft", "mouthSmileRight", "cheekSquintLeft", "cheekSquintRight")
ROUNDS = 6  # in which lips that are parted are brought together
SIDE = 21  # points of a lip from corner to corner


class Seal:
    """Brings the inner lips of a head together; made once, it serves any pose of it."""

    def __init__(self, template: Template) -> None:
        self._template = template
        apart = template.points + LIPS_OPEN * template.deltas[template.names.index("jawOpen")]
        ring = template.at("lips_inner", apart)
        self._near = np.setdiff1d(template.vertices_of(SKIN, MOUTH), template.teeth)
        distance = cdist(apart[self._near], ring)
        self._above = distance[:, 1 : SIDE - 1].min(1) < distance[:, SIDE:].min(1)
        upper, lower = _lips(distance.T)
        own = np.where(self._above[:, None], upper.T, lower.T)
        unit = REACH * float(np.linalg.norm(np.subtract(*template.at("mediapipe", template.points)[[454, 234]])))
        share = np.exp(-(((own - own.min(1, keepdims=True)) / (0.5 * unit)) ** 2))
        share /= share.sum(1, keepdims=True)
        near = own.min(1) / unit
        self._close = near < CLOSE
        self._share = share * np.exp(-(near**2))[:, None]
        self._wide = share * np.exp(-((near / WIDE) ** 2))[:, None]
        self._overlap = np.array([0.0, OVERLAP]) * np.sin(np.linspace(0, np.pi, SIDE))[:, None]

    def gap(self, points: Array) -> Array:
        """Canvas px from the upper to the lower lip [21, 2] of the vertices points [V, 3]; y below 0: they overlap."""
        upper, lower = _lips(project(self._template.at("lips_inner", points))[:, :2])
        return lower - upper

    def __call__(self, points: Array) -> Array:
        """Points [V, 3] with the lips meeting, corner to corner, along a line without kinks."""
        seen = project(points)
        for _ in range(2):
            self._move(seen, self.gap(unproject(seen)))
        seen[self._near, 1] += self._wide @ self._kinks(unproject(seen))
        self._apart(seen)
        self._move(seen, self.gap(unproject(seen)) + self._overlap)
        return unproject(seen)

    def pressed(self, points: Array) -> Array:
        """Points [V, 3] with the lips closed where they are parted: lips that overlap are left as they are."""
        seen = project(points)
        for _ in range(ROUNDS):
            upper, lower = _lips(project(self._template.at("lips_inner", unproject(seen)))[:, :2])
            parted = np.zeros((SIDE, 2))
            for k, (own, other) in enumerate(((upper, lower), (lower, upper))):
                order = np.argsort(other[:, 0])  # a lip slides along the other one
                away = np.interp(own[:, 0], *other[order].T) - own[:, 1]
                parted[:, 1] = np.maximum(parted[:, 1], away if k == 0 else -away)
            if parted[:, 1].max() <= 0:
                break
            self._move(seen, np.where(parted > 0, parted + np.sqrt(OVERLAP * self._overlap), 0))
        return unproject(seen)

    def _kinks(self, points: Array) -> Array:
        """Canvas px [21] that the line where closed lips meet lacks to a smooth one (Whittaker, "On a new method of graduation",
        1923): what is taken away of an expression, and what landmarks err by, leaves kinks beside its corners."""
        line = np.mean(_lips(project(self._template.at("lips_inner", points))[:, 1]), axis=0)
        bend = np.diff(np.eye(SIDE), 2, axis=0)
        return np.linalg.solve(np.eye(SIDE) + SMOOTH * bend.T @ bend, line) - line

    def _apart(self, seen: Array) -> None:
        """Keep the skin of each lip on its own side of the line where they meet, in place on the canvas seen [V, 3]: landmarks
        that err by a few px turn it over beside the corners, where the opening mouth would show it as a tag."""
        own, ring = self._template.points, self._template.at("lips_inner", self._template.points)
        skin = own[self._near]
        front = skin[:, 2] < _line(skin[:, 0], ring, 2) - IN_FRONT
        held = (np.abs(skin[:, 0]) < ring[SIDE - 1, 0]) & front & self._close
        rows, above = self._near[held], self._above[held]
        usual, now = (points[rows, 1] - _line(points[rows, 0], line, 1) for points, line in
                      ((own, ring), (seen, project(self._template.at("lips_inner", unproject(seen))))))  # fmt: skip
        least = KEPT * np.where(above, np.minimum(usual, 0), np.maximum(usual, 0))
        seen[rows, 1] += np.where(above, np.minimum(least - now, 0), np.maximum(least - now, 0))

    def _move(self, seen: Array, by: Array) -> None:
        """Move the lips on the canvas seen [V, 3], in place, towards each other by [21, 2] px."""
        seen[self._near, :2] += np.where(self._above, UPPER_LIP, UPPER_LIP - 1)[:, None] * (self._share @ by)


def keep_closed(template: Template, points: Array, deltas: Array) -> None:
    """Let no shape part the lips of the closed mouth points [V, 3] that leaves the average head's closed.

    deltas [S, V, 3]: changed in place. A turned head is seen from the side, where the moves of the two lips differ: in a smile,
    specks of teeth would show.
    """
    seal = Seal(template)
    least = PARTING * float(np.linalg.norm(np.subtract(*template.at("mediapipe", template.points)[[454, 234]])))
    before = seal.gap(template.points)[:, 1]
    closed = {
        name: row for row, name in enumerate(template.names)
        if name.startswith(ABOUT_LIPS) and (seal.gap(template.points + template.deltas[row])[:, 1] - before).max() < least
    }  # fmt: skip
    alone = [[row] for row in closed.values()]
    right = {name.removesuffix("Right"): row for name, row in closed.items() if name.endswith("Right")}
    pairs = [[closed[f"{shape}Left"], row] for shape, row in right.items() if f"{shape}Left" in closed]
    for rows in (*alone, *pairs, [closed[name] for name in SMILE if name in closed]):
        moved = points + deltas[rows].sum(0)
        deltas[rows] += ((seal.pressed(moved) - moved) / len(rows)).astype(deltas.dtype)


def _line(x: Array, ring: Array, axis: int) -> Array:
    """y (axis 1) or z (2) of the line of closed lips, whose ring is [40, 3], at x [n]."""
    line = np.mean(_lips(ring), axis=0)
    order = np.argsort(line[:, 0])
    return np.interp(x, line[order, 0], line[order, axis])


def _lips(ring: Array) -> tuple[Array, Array]:
    """Upper and lower lip, [21, ...] each, of the inner ring [40, ...]."""
    return ring[:SIDE], np.concatenate([ring[:1], ring[: SIDE - 2 : -1]])
