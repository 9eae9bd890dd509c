"""The person in the clip: her mesh at rest, and pose and expression of every frame, smooth where the head is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import savgol_filter
from scipy.spatial.transform import Rotation

from bithuman_core.build.arrays import Array
from bithuman_core.build.footage.person.head import EXPECTED, Frame, HeadFit, Pose, fitted_shapes, spreading
from bithuman_core.build.footage.person.tracking import Track
from bithuman_core.build.shape.fit import INNER_PAIRS, OVAL, fit, spread_remainder
from bithuman_core.build.shape.lips import UPPER_LIP, Seal
from bithuman_core.build.shape.rest import LOWER_INNER, LOWER_OUTER, OUTER, UPPER_INNER, UPPER_OUTER, gap
from bithuman_core.build.shape.template import Template

# fmt: off
LIPS = (0, 11, 12, 13, 14, 15, 16, 17, 37, 38, 39, 40, 41, 42, 61, 62, 72, 73, 74, 76, 77, 78, 80, 81, 82, 84, 85, 86, 87, 88, 89,
        90, 91, 95, 96, 146, 178, 179, 180, 181, 183, 184, 185, 191, 267, 268, 269, 270, 271, 272, 291, 292, 302, 303, 304, 306,
        307, 308, 310, 311, 312, 314, 315, 316, 317, 318, 319, 320, 321, 324, 325, 375, 402, 403, 404, 405, 407, 408, 409, 415)
"""MediaPipe numbers of the lips, all four rings."""
# fmt: on
IDENTITY_FRAMES = 12
REST_EVERY = 3  # frames from one to the next that tell what her face is like at rest
YAW_TRUST = 10.0  # degrees (sigma) from the usual yaw: how much a frame says of the person's shape
CLOSED_TRUST = 0.02  # face widths (sigma) of lip gap: how much it says of her lips at rest
WINDOWS = {"turn": 7, "scale": 11, "shift": 5, "amount": 5, "rest": 9, "lips": 5}  # frames, Savitzky-Golay, order 2
DEPARTED, PX = 1.5, 1.0  # canvas px: from here on a fast move is followed as measured; unit of poses


@dataclass(frozen=True)
class Person:
    """n frames. Head space: the axes of the template, its size."""

    vertices: Array
    """[V, 3] the mesh at rest, mouth closed, head space."""
    poses: list[Pose]
    rows: Array
    """[R] vertices whose own moves are kept, rising: those of the whole template would be most of what a build holds."""
    own: Array
    """f32 [n, R, 3]: what each frame's face adds to the mesh at rest there, head space."""
    landmarks: Array
    """f32 [n, 468, 2] canvas px, as measured."""
    gap: Array
    """[n] face widths between the lips, at the widest."""
    amount: Array
    """[n, E] fitted shapes, not smoothed: a mouth that speaks is elsewhere in the next frame."""
    yaw: Array
    """[n] degrees."""
    pitch: Array
    """[n] degrees."""
    error: float
    """Canvas px rms by which smooth frames lie beside the measured ones."""
    face_width: float
    """Canvas px, median."""

    def moves(self, i: int, rows: Array) -> Array:
        """What frame i's face adds to the mesh at rest at some of its vertices ``rows``, f32 [n, 3], head space."""
        return self.own[i, np.searchsorted(self.rows, rows)]

    def face(self, i: int, rows: Array) -> Array:
        """Where these vertices are in frame i [n, 3], head space."""
        return self.vertices[rows] + self.moves(i, rows)


def smooth(values: Array, window: int) -> Array:
    """Savitzky-Golay of order 2 along the frames, zero phase."""
    window = min(window, (len(values) - 1) // 2 * 2 + 1)
    return np.asarray(savgol_filter(values, window, 2, axis=0, mode="nearest")) if window > 2 else values


def _followed(raw: Array, soft: Array, unit: float) -> Array:
    """Smooth values; as measured where these depart by 1 to 3 units (a fast move)."""
    apart = np.linalg.norm(raw - soft, axis=1, keepdims=True) / unit
    return soft + np.clip((apart - 1) / 2, 0, 1) * (raw - soft)


def read_person(template: Template, track: Track, rows: Array) -> Person:
    """Fit mesh and frames. track: landmarks in canvas px; rows: vertices whose moves will be asked for, beside landmarks."""
    target = track.landmarks[:, :468, :2].astype(np.float64)
    count = len(target)
    width = np.linalg.norm(target[:, 454] - target[:, 234], axis=-1)
    apart = np.max([np.linalg.norm(target[:, a] - target[:, b], axis=-1) for a, b in INNER_PAIRS], 0) / width
    shapes = fitted_shapes(template)
    names = [template.names[k] for k in shapes]
    expected = np.array([[min(max(EXPECTED * seen.get(name, 0.0), 0.0), 1.0) for name in names] for seen in track.blendshapes])
    usable = np.flatnonzero(track.found)
    chosen = np.unique(usable[np.linspace(0, len(usable) - 1, IDENTITY_FRAMES).astype(int)])
    fits = [fit(template, track.landmarks[i], track.blendshapes[i]) for i in chosen]
    identity = np.mean([f.identity for f in fits], 0)
    average = (template.points + np.tensordot(identity, template.modes, 1)).astype(np.float64)
    scale = float(np.cbrt(np.linalg.det(fits[0].turn)))
    start = Pose(fits[0].turn / scale, scale, fits[0].shift[:2].copy())
    some = slice(None, None, REST_EVERY)
    frames = _fit_all(HeadFit(template, average, shapes), target[some], start, expected[some], 10)
    spread = spreading(template, average)
    rest = _rest(template, average, spread, frames, apart[some])
    person = HeadFit(template, rest, shapes)
    frames = _fit_all(person, target, frames[0].pose, expected, 6)
    poses = _smooth_poses(person, target, frames)
    starts = [(target[i], poses[i], frames[i].amount, expected[i]) for i in range(count)]
    fitted = np.array([person.fit(*start, 3, turned=False).amount for start in starts])
    amount = np.clip(smooth(fitted, WINDOWS["amount"]), 0, 1)
    left = [person.left(target[i], poses[i], amount[i]) for i in range(count)]
    remains = np.stack([f.pose.back(f.miss, f.z) for f in left])
    soft = smooth(remains, WINDOWS["rest"])
    soft[:, LIPS] = smooth(remains[:, LIPS], WINDOWS["lips"])
    size = np.array([pose.scale for pose in poses])
    departs = np.sqrt(((remains - soft) ** 2).sum(-1).mean(1)) * size
    soft += np.clip((departs - DEPARTED) / DEPARTED, 0, 1)[:, None, None] * (remains - soft)
    error = float(np.sqrt((((remains - soft) ** 2).sum(-1) * size[:, None] ** 2).mean()))
    rows = np.union1d(rows, template.rings["mediapipe"][0])
    own = np.tensordot(amount.astype(np.float32), template.deltas[shapes][:, rows], 1)
    spread_there = spread[rows]
    for i, left_there in enumerate(soft.astype(np.float32)):
        own[i] += spread_there @ left_there
    yaw, pitch = _angles(left)
    return Person(rest, poses, rows, own, target.astype(np.float32), apart, fitted, yaw, pitch, error, float(np.median(width)))


def _fit_all(head: HeadFit, target: Array, start: Pose, expected: Array, first: int) -> list[Frame]:
    frames: list[Frame] = []
    pose, amount = start, np.zeros(expected.shape[1])
    for i, points in enumerate(target):
        frames.append(head.fit(points, pose, amount, expected[i], first if i == 0 else 3))
        pose, amount = frames[-1].pose, frames[-1].amount
    return frames


def _angles(frames: list[Frame]) -> tuple[Array, Array]:
    turn = np.stack([f.pose.turn for f in frames])
    return np.degrees(np.arctan2(turn[:, 2, 0], turn[:, 2, 2])), np.degrees(np.arcsin(np.clip(-turn[:, 2, 1], -1, 1)))


def _rest(template: Template, average: Array, spread: Array, frames: list[Frame], apart: Array) -> Array:
    """The person's mesh with her lips closed: the average head moved by what it misses of all frames."""
    misses = np.stack([f.pose.back(f.miss, f.z) for f in frames])
    yaw, _ = _angles(frames)
    trust = np.exp(-((yaw - np.median(yaw)) ** 2) / (2 * YAW_TRUST**2))
    closed = trust * np.exp(-((np.maximum(apart - np.quantile(apart, 0.05), 0) / CLOSED_TRUST) ** 2) / 2)
    move = np.einsum("n,nld->ld", trust / trust.sum(), misses)
    lips = list(LIPS)
    move[lips] = np.einsum("n,nld->ld", closed / closed.sum(), misses[:, lips])
    move[:, 2] = 0
    scale = float(np.median([f.pose.scale for f in frames]))
    points = (average + spread @ move) * scale
    marks = template.at("mediapipe", points)
    width = float(np.linalg.norm(marks[454] - marks[234]))
    for _ in range(2):
        left = gap(template, points)
        miss = np.zeros((468, 2))
        miss[list(UPPER_INNER), 1], miss[list(LOWER_INNER), 1] = UPPER_LIP * left, (UPPER_LIP - 1) * left
        miss[list(UPPER_OUTER), 1] = OUTER * UPPER_LIP * left[1:-1]
        miss[list(LOWER_OUTER), 1] = OUTER * (UPPER_LIP - 1) * left[1:-1]
        points = spread_remainder(template, points, miss, width)
    return np.asarray(Seal(template)(points) / scale)


def _smooth_poses(head: HeadFit, target: Array, frames: list[Frame]) -> list[Pose]:
    turn = np.stack([f.pose.turn for f in frames])
    u, _, vt = np.linalg.svd(turn.mean(0))
    mean = u @ vt
    vector = Rotation.from_matrix(np.einsum("ji,njk->nik", mean, turn)).as_rotvec()
    vector = _followed(vector, smooth(vector, WINDOWS["turn"]), PX / 200)  # 200 px from the middle of the head to its edge
    turn = np.einsum("ij,njk->nik", mean, Rotation.from_rotvec(vector).as_matrix())
    scale = np.exp(smooth(np.log([[f.pose.scale] for f in frames]), WINDOWS["scale"])[:, 0])
    steady = np.setdiff1d(np.arange(468), [*LIPS, *OVAL])
    shift = np.stack([f.pose.shift for f in frames])
    for i, frame in enumerate(frames):
        left = head.left(target[i], Pose(turn[i], float(scale[i]), shift[i]), frame.amount)
        shift[i] = shift[i] + np.median(left.miss[steady], 0)
    shift = _followed(shift, smooth(shift, WINDOWS["shift"]), PX)
    return [Pose(turn[i], float(scale[i]), shift[i]) for i in range(len(frames))]
