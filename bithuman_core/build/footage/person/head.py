"""The head in every frame: one identity, a pose and an expression each, by Gauss-Newton on the landmarks.

As `shape.fit`, with the identity fixed: 6 numbers of the pose and the shapes of mouth, brows and lids are left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.build.shape.camera import DISTANCE, rotation
from bithuman_core.build.shape.fit import NOISE, OVAL, OVAL_TRUST, radial_system
from bithuman_core.build.shape.template import Template

MOUTH_PREFIXES = ("jaw", "mouth")
NOT_FITTED = ("mouthClose", "mouthRoll", "jawForward")
UPPER_PREFIXES = ("eyeSquint", "eyeWide", "brow", "cheekSquint")
CORNERS = (57, 61, 62, 76, 78, 146, 185, 287, 291, 292, 306, 308, 375, 409)
"""MediaPipe numbers about the corners of the mouth."""
CORNERS_TRUST = 6.0  # beside other landmarks: few of 468 tell how wide a mouth is
SPREAD = 0.25  # how far a coefficient usually lies from its expectation
EXPECTED = 0.5  # of what the blendshape net says: it says too much on smiling faces
SMOOTHING = 0.05  # of the mean distance between landmarks, as `shape.fit.SMOOTHING`; many frames have less noise than one
MIDDLE = 512.0  # canvas px: the principal point


def fitted_shapes(template: Template) -> list[int]:
    """Rows of the shapes that are fitted: mouth and jaw first, then brows, lids, cheeks."""
    names = template.names
    mouth = [k for k, n in enumerate(names) if n.startswith(MOUTH_PREFIXES) and not n.startswith(NOT_FITTED)]
    return mouth + [k for k, n in enumerate(names) if n.startswith(UPPER_PREFIXES)]


class Pose(NamedTuple):
    """px space = scale * turn @ head + (shift, 0)."""

    turn: Array  # [3, 3]
    scale: float
    shift: Array  # [2] px

    def place(self, head: Array) -> Array:
        """Head space [..., 3] -> px space."""
        out = self.scale * head @ self.turn.T
        out[..., :2] += self.shift
        return out

    def screen(self, head: Array) -> Array:
        """Head space [..., 3] -> canvas px x, y, and z."""
        return seen(self.place(head))

    def back(self, move: Array, z: Array) -> Array:
        """A move on the canvas [n, 2] of points at depth z as one in head space [n, 3], in the picture's plane."""
        flat = np.concatenate([move * ((DISTANCE + z) / DISTANCE)[:, None], np.zeros((len(move), 1))], 1)
        return flat @ self.turn / self.scale


def seen(points: Array) -> Array:
    """Px space -> canvas px x, y, and z."""
    k = DISTANCE / (DISTANCE + points[..., 2:])
    return np.concatenate([points[..., :2] * k + MIDDLE, points[..., 2:]], -1)


@dataclass(frozen=True)
class Frame:
    """One fitted frame: pose, amounts [E] of the fitted shapes, what is left: miss [468, 2] canvas px, depth z [468]."""

    pose: Pose
    amount: Array
    miss: Array
    z: Array


class HeadFit:
    """Fits one head, V vertices of the template in head space, frame after frame."""

    def __init__(self, template: Template, vertices: Array, shapes: list[int]) -> None:
        index, weight = template.rings["mediapipe"]

        def pick(v: Array) -> Array:
            return (v[..., index, :] * weight[..., None]).sum(-2).astype(np.float64)

        self.base, self.moves = pick(vertices), pick(template.deltas)[shapes]
        self._planes = np.ascontiguousarray(self.moves.reshape(-1, 3).T)  # x, y and z of all moves: numpy is fast along rows
        trust = np.ones(468)
        trust[list(OVAL)] = OVAL_TRUST
        trust[list(CORNERS)] = CORNERS_TRUST
        self._trust = np.sqrt(trust) / NOISE

    def head(self, amount: Array) -> Array:
        """The landmarks [468, 3] in head space."""
        return self.base + (amount @ self.moves.reshape(len(amount), -1)).reshape(-1, 3)

    def left(self, target: Array, pose: Pose, amount: Array) -> Frame:
        """What pose and amounts leave of the target [468, 2]."""
        p = pose.screen(self.head(amount))
        return Frame(pose, amount, target - p[:, :2], p[:, 2])

    def fit(self, target: Array, pose: Pose, amount: Array, expected: Array, steps: int, *, turned: bool = True) -> Frame:
        """From a start (the frame before). expected: amounts [E] to expect. turned: whether the pose is fitted as well."""
        count = len(amount)
        prior = np.concatenate([np.full(6, 1e-6), np.full(count, 1 / SPREAD**2)])
        points = len(target)
        move = np.zeros((3, 6 + count, points))  # x, y, z of what a step of each number does to every point
        move[0, 4] = move[1, 5] = 1.0
        a = np.empty((6 + count, 2 * points))
        for _ in range(steps):
            p = pose.place(self.head(amount))
            k = DISTANCE / (DISTANCE + p[:, 2])
            seen_at = p[:, :2] * k[:, None]
            arm = p.T.copy()
            arm[:2] -= pose.shift[:, None]
            for axis, (j, i) in enumerate(((1, 2), (2, 0), (0, 1))):  # turns about the axes
                move[j, axis], move[i, axis] = -arm[i], arm[j]
            move[:, 3] = arm
            move[:, 6:] = (pose.scale * pose.turn @ self._planes).reshape(3, count, points)
            for d in (0, 1):
                along = a[:, d * points : (d + 1) * points]
                np.multiply(move[2], -seen_at[:, d] / DISTANCE, out=along)
                along += move[d]
                along *= k * self._trust
            miss = ((target - seen_at - MIDDLE) * self._trust[:, None]).T.ravel()
            pull = np.concatenate([np.zeros(6), (expected - amount) / SPREAD**2])
            low, high = np.full(6 + count, -np.inf), np.full(6 + count, np.inf)
            low[6:], high[6:] = -amount, 1 - amount
            if not turned:
                low[:6] = high[:6] = 0
            step = _bounded(a @ a.T + np.diag(prior), a @ miss + pull, low, high)
            pose = Pose(rotation(step[:3]) @ pose.turn, pose.scale * float(np.exp(step[3])), pose.shift + step[4:6])
            amount = np.clip(amount + step[6:], 0, 1)
        return self.left(target, pose, amount)


def _bounded(normal: Array, pull: Array, low: Array, high: Array) -> Array:
    """x [n] with normal @ x = pull, within its bounds: what would leave them stays on them, and the others are solved anew."""
    x, free = np.zeros(len(pull)), low < high
    while free.any():
        x[free] = np.linalg.solve(normal[np.ix_(free, free)], pull[free] - normal[np.ix_(free, ~free)] @ x[~free])
        beyond = free & ((x < low) | (x > high))
        if not beyond.any():
            break
        x[beyond] = np.clip(x[beyond], low[beyond], high[beyond])
        free &= ~beyond
    return x


def spreading(template: Template, vertices: Array) -> Array:
    """K [V, 468]: vertices move by K @ moves of the landmarks (radial basis functions, as `shape.fit.spread_remainder`)."""
    system, distance, share = radial_system(template, vertices, SMOOTHING)
    inverse = np.linalg.inv(system)[:, :468]
    return ((-distance @ inverse[:468] + inverse[468]) * share[:, None]).astype(np.float32)
