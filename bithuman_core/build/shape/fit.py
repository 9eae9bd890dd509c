"""Fitting the average head to the landmarks of a photo: pose, identity and the photo's own expression, then what remains.

Least squares with Gaussian priors (maximum a posteriori), Gauss-Newton steps; coefficients of the expression stay in 0..1. What
the statistical model cannot explain is spread over the surface by radial basis functions (linear kernel), in the image plane
alone, so that lips, lids and brows of the mesh lie exactly where they are in the photo.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from scipy.spatial.distance import cdist

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.portrait import CANVAS
from bithuman_core.build.shape.camera import DISTANCE, project, rotation, unproject
from bithuman_core.build.shape.template import EYE, Template

STEPS = 8
NOISE = 4.0  # px: how far a landmark usually lies beside its place
EXPRESSION = 0.2  # how far a coefficient usually lies from what the photo's blendshapes say
NOT_FITTED = ("eyeLook", "mouthClose", "cheekPuff", "jawForward", "mouthRoll", "noseSneer", "eyeBlink")
OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136,
        172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
"""MediaPipe numbers around the face, from the top clockwise."""
OVAL_TRUST = 0.35  # of the outline, which slides along the skin as a head turns
LIPS_OPEN = 0.4  # jawOpen of the pose in which distances between landmarks are measured: the lips are two surfaces
TOUCHING = 0.012  # of the face's width: lips closer than this are taken as closed
INNER_PAIRS = ((81, 178), (82, 87), (13, 14), (312, 317), (311, 402), (80, 88), (310, 318), (191, 95), (415, 324))
SMOOTHING = 0.15  # of the mean distance between landmarks: how much of the noise of single landmarks is not followed
FADE = 0.35  # face widths from the nearest landmark over which the remainder fades
LEAST_SHARE = 1e-4  # of it that a vertex must take to move at all


@dataclass(frozen=True)
class Fit:
    """The head in the photo. Px space; V vertices of the template."""

    points: Array
    """[V, 3]: as it is in the photo, expression included."""
    turn: Array
    """[3, 3]: rotation and scale of the template's axes; moves of the shapes turn by it."""
    shift: Array
    """[3] px: px space = turn @ template + shift."""
    identity: Array
    """[M]."""
    expression: dict[str, float]
    face_width: float
    """px between the landmarks 234 and 454."""
    error: float
    """px: median distance of the landmarks before the remainder was spread."""
    said: dict[str, float] = field(default_factory=dict)
    """What the photo's expression was thought to hold: what the fit holds beyond it may be how this face is made."""

    def angles(self) -> tuple[float, float, float]:
        """Yaw, pitch, roll of the head in the photo, degrees (signs as everywhere)."""
        r = self.turn / np.cbrt(np.linalg.det(self.turn))
        # Rz(roll) Rx(pitch) Ry(yaw) in px space, as the renderer turns heads
        yaw, pitch, roll = np.arctan2(r[2, 0], r[2, 2]), np.arcsin(np.clip(-r[2, 1], -1, 1)), np.arctan2(-r[0, 1], r[1, 1])
        return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))


def _weights() -> Array:
    weight = np.ones(468)
    weight[list(OVAL)] = OVAL_TRUST
    return weight


def _closed(target: Array, width: float) -> Array:
    """Landmarks with the inner lips on one line where they all but touch."""
    out = target.copy()
    gap = max(float(np.linalg.norm(target[a] - target[b])) for a, b in INNER_PAIRS)
    if gap < TOUCHING * width:
        for a, b in INNER_PAIRS:
            out[a] = out[b] = (target[a] + target[b]) / 2
    return out


def fit(template: Template, landmarks: Array, blendshapes: dict[str, float]) -> Fit:
    """Fit to the landmarks [478, 3] (canvas px). blendshapes: what the photo's expression is thought to hold, may be empty."""
    width = float(np.linalg.norm(landmarks[454, :2] - landmarks[234, :2]))
    target = _closed(np.asarray(landmarks[:468, :2], np.float64), width)
    index, weight = template.rings["mediapipe"]
    pick = lambda v: (v[..., index, :] * weight[..., None]).sum(-2).astype(np.float64)  # noqa: E731
    base, modes, moves = pick(template.points), pick(template.modes), pick(template.deltas)
    fitted = [k for k, n in enumerate(template.names) if not n.startswith(NOT_FITTED)]
    expected = np.array([np.clip(blendshapes.get(template.names[k], 0.0), 0, 1) for k in fitted])
    m, e = len(modes), len(fitted)
    basis = np.concatenate([modes, moves[fitted]])  # [m + e, 468, 3]
    trust = np.sqrt(_weights())[:, None] / NOISE
    amount = np.concatenate([np.zeros(m), expected])
    centre = np.concatenate([np.zeros(m), expected])
    spread = np.concatenate([np.ones(m), np.full(e, EXPRESSION)])
    turn, scale, shift = np.eye(3), width / float(np.linalg.norm(base[454] - base[234])), np.zeros(2)
    shift = (target.mean(0) - CANVAS / 2) - scale * base[:, :2].mean(0)
    free = np.ones(m + e, bool)
    for _ in range(STEPS):
        head = base + np.tensordot(amount, basis, 1)
        posed = scale * head @ turn.T + np.array([*shift, 0.0])
        k = (DISTANCE / (DISTANCE + posed[:, 2]))[:, None]
        miss = target - (posed[:, :2] * k + CANVAS / 2)

        def seen(move: Array, k: Array = k, posed: Array = posed) -> Array:
            return k * (move[..., :2] - posed[:, :2] * k / DISTANCE * move[..., 2:])

        arm = scale * head @ turn.T
        axes = np.eye(3)
        columns = [seen(np.cross(axes[j], arm)) for j in range(3)]
        columns += [seen(arm), seen(np.broadcast_to(axes[0], arm.shape)), seen(np.broadcast_to(axes[1], arm.shape))]
        jacobian = np.concatenate([np.stack(columns), seen(scale * basis @ turn.T)])
        a = (jacobian * trust).reshape(len(jacobian), -1).T
        b = (miss * trust).ravel()
        prior = np.concatenate([np.full(6, 1e-6), 1 / spread**2])
        pull = np.concatenate([np.zeros(6), (centre - amount) / spread**2])
        use = np.concatenate([np.ones(6, bool), free])
        normal = a.T @ a + np.diag(prior)
        step = np.zeros(len(normal))
        step[use] = np.linalg.solve(normal[np.ix_(use, use)], (a.T @ b + pull)[use])
        turn = rotation(step[:3]) @ turn
        scale *= float(np.exp(step[3]))
        shift = shift + step[4:6]
        amount = amount + step[6:]
        outside = (amount[m:] < 0) | (amount[m:] > 1)
        amount[m:] = np.clip(amount[m:], 0, 1)
        free[m:] = ~outside
    head = template.points + np.tensordot(amount[:m], template.modes, 1)
    head = head + np.tensordot(amount[m:], template.deltas[fitted], 1)
    whole = scale * turn
    offset = np.array([*shift, 0.0])
    points = head.astype(np.float64) @ whole.T + offset
    miss = target - project(pick(points))[:, :2]
    points = spread_remainder(template, points, miss, width)
    expression = {template.names[k]: float(v) for k, v in zip(fitted, amount[m:], strict=True) if v > 0.005}
    return Fit(points, whole, offset, amount[:m], expression, width, float(np.median(np.linalg.norm(miss, axis=1))),
               dict(blendshapes))  # fmt: skip


def radial_system(template: Template, vertices: Array, smoothing: float) -> tuple[Array, Array, Array]:
    """What spreads moves of the landmarks over vertices [V, 3] by radial basis functions (linear kernel, Duchon 1977).

    (The system [469, 469] whose solution are the kernels' weights and a constant; distances [V, 468] of the vertices from the
    landmarks; how much of the moves each vertex takes [V], less with the distance.) smoothing: of the mean distance between
    landmarks. Distances are measured with the jaw open: the lips are two surfaces.
    """
    apart = vertices + LIPS_OPEN * template.deltas[template.names.index("jawOpen")]
    marks = template.at("mediapipe", apart).astype(np.float64)
    size = float(np.linalg.norm(marks[454] - marks[234]))
    between = cdist(marks, marks)
    nearest = float(np.sort(between, 1)[:, 1].mean())
    system = np.zeros((469, 469))
    system[:468, :468] = -between + smoothing * nearest * np.eye(468)
    system[:468, 468] = system[468, :468] = 1
    distance = cdist(apart, marks)
    away = np.maximum(distance.min(1) / size - 0.05, 0) / FADE
    return system, distance, np.exp(-(away**2))


@lru_cache(1)
def spreading(template: Template) -> tuple[Array, Array, Array, Array]:
    """Of `radial_system` for the template's own vertices: the system; vertices [n] that take of the moves, their distances
    [n, 468] and shares [n, 1]."""
    system, distance, share = radial_system(template, template.points, SMOOTHING)
    takes = np.flatnonzero(share > LEAST_SHARE)
    return system, takes, distance[takes].astype(np.float32), share[takes, None]


def spread_remainder(template: Template, points: Array, miss: Array, width: float) -> Array:
    """Points [V, 3] moved in the image plane so that the landmarks move by miss [468, 2] (canvas px)."""
    system, takes, distance, share = spreading(template)
    solved = np.linalg.solve(system, np.vstack([miss, np.zeros((1, 2))]))
    move = np.zeros((len(points), 2))
    move[takes] = (solved[468] - distance @ solved[:468].astype(np.float32)) * share
    lips = np.mean([miss[[61, 291]].mean(0), miss[[0, 17]].mean(0)], 0)
    move[template.teeth] = lips  # they stay rigid
    eyes = template.vertices_of(EYE)
    for right, ring in ((True, (362, 263, 386, 374)), (False, (33, 133, 159, 145))):
        move[eyes[(template.points[eyes, 0] > 0) == right]] = miss[list(ring)].mean(0)
    seen = project(points)
    seen[:, :2] += move
    return unproject(seen)
