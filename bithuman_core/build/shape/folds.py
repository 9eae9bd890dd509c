"""Skin that would turn over as it moves: smoothed where a strong move fades out quickly, then held to a share of its area."""

from __future__ import annotations

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.portrait import CANVAS
from bithuman_core.build.shape.camera import DISTANCE, project
from bithuman_core.build.shape.raster import facing, near, raster
from bithuman_core.build.shape.template import SKIN, Template

TEARING = ("jawOpen", "noseSneerLeft", "noseSneerRight")  # shapes that fold skin beside a frame of glasses, at a narrow jaw
SMILE = ("mouthSmileLeft", "mouthSmileRight")
POSES = (("mouthRollLower",), *((name,) for name in TEARING), ("jawOpen", *SMILE), ("jawOpen", "mouthFunnel"),
         ("jawOpen", "mouthClose"), ("mouthStretchLeft", "mouthStretchRight"), ("mouthFrownLeft", "mouthFrownRight"),
         ("eyeSquintLeft", "eyeSquintRight", "cheekSquintLeft", "cheekSquintRight", *SMILE))  # fmt: skip
"""What is held to its area: these, and what they press together when they meet."""
ROUNDS, AROUND = 8, 2  # how often skin is smoothed at most; edges of the mesh from a fold that are smoothed with it
STILL = 0.5  # px: what moves less by itself (the person's outline) is not moved by this either
LEAST = 0.1  # of a triangle's area in the neutral that a pose leaves
NEARLY = 0.5  # of that share: what has less is about to turn over
BEHIND = 0.3  # px: what lies so close behind other skin may show as the head turns, or between the samples of a frame
AMOUNTS = (1.0, 0.8, 0.6)  # of the shapes of a pose
PASSES, TRIES, STEPS = 3, 6, 60  # over all poses; how often folds of one are looked for, and are pushed apart each time


class Folds:
    """The neutral vertices points [V, 3] of an avatar that has the triangles drawn [T] (bool), and what folds there."""

    def __init__(self, template: Template, drawn: Array, points: Array) -> None:
        self.names, self.points = template.names, points
        self.twin = _twins(template)
        self.corners = self.twin[template.triangles]
        self.shown = drawn
        self.front = facing(project(points), self.corners) & (template.part == SKIN)
        self.least = LEAST * _area(project(points)[:, :2], self.corners)
        self.seen = np.flatnonzero(self.front & drawn)
        self.seen_corners, self.shrunk = self.corners[self.seen], NEARLY * self.least[self.seen]
        skin = self.corners[template.part == SKIN]
        ends = np.concatenate([skin[:, pair] for pair in ((0, 1), (1, 2), (2, 0))])
        self.ends = np.concatenate([ends, ends[:, ::-1]])

    def torn(self, move: Array) -> Array:
        """Rows of the triangles that a frame of the vertices moved by move [V, 3] shows (all but) turned over."""
        screen = project(self.points + move)
        rows = self.seen[_area(screen[:, :2], self.seen_corners) < self.shrunk]
        if not len(rows):
            return rows
        screen *= np.array([0.5, 0.5, 1.0])  # as a frame shows it
        about = screen[self.corners[rows], :2].reshape(-1, 2)
        low, high = (np.clip(edge, 0, CANVAS // 2).astype(int) for edge in (about.min(0), about.max(0) + 1))
        screen[:, :2] -= low
        size = (high - low)[::-1].tolist()
        depth, triangle, _ = raster(screen, self.corners[rows], *size, culled=False)
        close = near(screen, self.corners, triangle >= 0) & self.shown
        close[rows] = False
        front, _, _ = raster(screen, self.corners[close], *size, culled=False)
        return rows[np.unique(triangle[(triangle >= 0) & (depth < front + BEHIND)])]

    def about(self, rows: Array) -> Array:
        """Vertices up to `AROUND` edges from those of rows."""
        for _ in range(AROUND):
            rows = np.union1d(rows, self.ends[np.isin(self.ends[:, 0], rows), 1])
        return rows

    def smooth(self, delta: Array) -> None:
        """Smooth a shape [V, 3] about its folds, in place."""
        moving = np.flatnonzero(np.abs(delta).max(1) > STILL)
        for _ in range(ROUNDS):
            folded = self.corners[self.torn(delta)]
            if not len(folded):
                break
            rows = np.intersect1d(self.about(np.unique(folded)), moving)
            delta[rows] = _mean(delta, self.ends)[rows]
            alike = np.concatenate([folded[:, [a, b]] for a in range(3) for b in range(3)])
            rows = np.intersect1d(folded, moving)  # what moves as one does not fold
            delta[rows] = _mean(delta, alike)[rows]

    def push_apart(self, deltas: Array, amount: float) -> bool:
        """Change shapes [k, V, 3], in place, by the least that leaves all in front their share at amount; whether it changed."""
        size = np.abs(deltas).max(2)
        free = (size > STILL).any(0)
        share = size / np.maximum(size.sum(0), 1e-6) / amount
        for k in range(TRIES):
            move = amount * deltas.sum(0)
            torn = self.torn(move)
            if not len(torn):
                return k > 0
            screen = project(self.points + move)
            near = np.zeros(len(free), bool)
            near[self.about(np.unique(self.corners[torn]))] = True
            held = self.front & near[self.corners].any(1) & facing(screen, self.corners)
            held[torn] = True
            at = _apart(screen[:, :2], self.corners[held], self.least[held], free)
            push = (at - screen[:, :2]) * (DISTANCE + self.points[:, 2:] + move[:, 2:]) / DISTANCE
            deltas[..., :2] += (share[..., None] * push).astype(np.float32)
        return True


def untangle(template: Template, drawn: Array, points: Array, deltas: Array) -> None:
    """Change deltas [S, V, 3] of the neutral vertices points [V, 3], in place, so that no skin in front turns over.

    drawn [T]: which triangles the avatar has.
    """
    folds = Folds(template, drawn, points)
    for name in TEARING:
        folds.smooth(deltas[template.names.index(name)])
    for _ in range(PASSES):  # what one pose needs may press others
        changed = False
        for names in POSES:
            rows = [template.names.index(name) for name in names]
            moved = deltas[rows]
            for amount in AMOUNTS:
                changed |= folds.push_apart(moved, amount)
            deltas[rows] = moved
        if not changed:
            break
    lone = np.flatnonzero(folds.twin != np.arange(len(folds.twin)))
    deltas[:, lone] = deltas[:, folds.twin[lone]]


def _twins(template: Template) -> Array:
    """For every vertex the first one in the same place [V]: seams of the texture have two, lips and walls of the mouth too."""
    _, first, inverse = np.unique(np.round(template.points, 3), axis=0, return_index=True, return_inverse=True)
    return first[inverse.ravel()]


def _area(at: Array, corners: Array) -> Array:
    """Areas [T] px of triangles [T, 3] of points at [V, 2]: positive where they face the view."""
    a, b, c = (at[corners[:, k]] for k in range(3))
    return 0.5 * ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])


def _apart(at: Array, corners: Array, least: Array, free: Array) -> Array:
    """Points at [V, 2] moved, where they are free [V], until triangles [T, 3] have the areas least [T] (px) or STEPS are done."""
    at = at.copy()
    for _ in range(STEPS):
        lack = least - _area(at, corners)
        bad = lack > 1e-3
        if not bad.any():
            break
        rows = corners[bad]
        a, b, c = (at[rows[:, k]] for k in range(3))
        opposite = np.stack([c - b, a - c, b - a], 1)  # a corner pulls square to the edge opposite it
        slope = 0.5 * np.stack([-opposite[..., 1], opposite[..., 0]], -1) * free[rows][..., None]
        push = slope * (lack[bad] / np.maximum((slope**2).sum((1, 2)), 1e-2))[:, None, None]
        total, count = np.zeros_like(at), np.zeros(len(at))
        np.add.at(total, rows, push)
        np.add.at(count, rows, 1)
        at += total / np.maximum(count, 1)[:, None]
    return at


def _mean(values: Array, ends: Array) -> Array:
    """The mean over the second of ends [n, 2] of values [V, 3] for each that is the first; 0 for others."""
    total, count = np.zeros_like(values), np.bincount(ends[:, 0], minlength=len(values))
    np.add.at(total, ends[:, 0], values[ends[:, 1]])
    return total / np.maximum(count, 1)[:, None].astype(values.dtype)
