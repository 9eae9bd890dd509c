"""The footage rig: everything of a filmed avatar that renderers share, read-only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FaceState, indices
from bithuman_core.render.footage.film import Film
from bithuman_core.render.footage.head import Head
from bithuman_core.render.footage.interior import Interiors
from bithuman_core.render.footage.posing import place
from bithuman_core.render.matte.film import Matte
from bithuman_core.render.posing import blend_shapes
from bithuman_core.render.rig import CLOSE, OPEN, LipMeasure, Shapes, coefficients, eased

Floats = NDArray[np.float32]
Ring = tuple[NDArray[np.uint16], Floats]  # rows of the mesh [n, 3], weights [n, 3]
WIDE_ROWS = indices("mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight")
WIDE_KNEE, WIDEST = 0.45, 0.65  # followed so far, then eased: a mouth in a picture is pulled no wider and stays one
HEAD_SHARE = 1 / 3  # of what a gesture turns the head: a picture can be turned so far and stay one
NECK_BACK = 0.5  # depth of the neck, about which heads turn, of the way from the chin to the ears
WIDTH_ROWS = np.concatenate([indices("mouthPucker", "mouthFunnel"), WIDE_ROWS])
OPENING_ROWS = indices("jawOpen", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight")


@dataclass(frozen=True)
class WalkData:
    """What is known of n frames for walking through them."""

    turning: NDArray[np.uint16]  # frames at which the head stands still: the walk may turn there
    jumps: NDArray[np.uint16]  # [j, 2] from a frame to one that looks alike
    eyes: NDArray[np.uint8]  # [n] 255: open, at the camera; 0: shut or turned away
    motion: NDArray[np.uint8]  # [n] eighths of a px a frame that the head moves (512 px frames)


@dataclass(frozen=True)
class FootageRig:
    """A filmed avatar, n frames. Head space: the axes of the builder's template; canvas px: of a canvas with a shorter side of
    ``canvas`` px, x right, y down."""

    name: str
    size: tuple[int, int]  # of a frame: width, height
    canvas: int
    centre: tuple[float, float]  # canvas px
    distance: float
    face_width: float  # canvas px
    film: Film
    matte: Matte | None  # None: the person is not known apart from her background
    walk: WalkData
    turn: Floats  # [n, 3, 3] rotation times size, head space to canvas px
    shift: Floats  # [n, 2] canvas px
    basis: Floats  # [r, V, 3] head space: ways in which the calm faces of the frames differ
    amount: Floats  # [n, r]
    vertices: Floats  # [V, 3] head space: the face at rest
    triangles: NDArray[np.int32]
    light: Floats  # [V] 0..1
    shapes: Shapes
    present: Floats  # [52] 1: a coefficient that this footage can show, 0: not
    head_limits: Floats  # [3, 2] degrees that its head can be turned beside what it does in the film: yaw, pitch, roll
    gain: float  # of the opening of the mouth: the person's own way of speaking
    width_gain: float  # of what narrows and widens it
    landmark: dict[int, int]
    landmark_ring: Ring
    inner: Ring  # 40 points of the inner lips from the image-left corner, over the top
    outer: Ring  # 40 of the outer ones
    jaw: Ring
    near: NDArray[np.uint16]  # [m] vertices beside the lips
    near_share: Floats  # [m, 40] how they follow the ring
    beyond: NDArray[np.uint16]  # [b] of the lips' inner side
    beyond_share: Floats  # [b, 40]
    interiors: Interiors

    @property
    def scale(self) -> float:
        """Px of a frame to one of the canvas."""
        return min(self.size) / self.canvas

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.turn)

    @property
    def best(self) -> int:
        """The frame to show where there is only one: the head stands still, the eyes are open."""
        turning = self.walk.turning.astype(np.int64)
        return int(turning[np.argmax(self.walk.eyes[turning].astype(int) - self.walk.motion[turning])])

    @cached_property
    def neck(self) -> Floats:
        """The point [3] about which the head turns, head space."""
        jaw = ring_points(self.jaw, self.vertices)
        ears, chin = (jaw[0] + jaw[-1]) / 2, jaw[len(jaw) // 2]
        return np.array([ears[0], chin[1], chin[2] + NECK_BACK * (ears[2] - chin[2])], np.float32)

    def head(self, frame: int) -> Head:
        """How it stands in a frame."""
        return Head(self.turn[frame], self.shift[frame], self.amount[frame])

    def asked(self, head: Floats) -> Floats:
        """How far a frame's head is turned where a gesture asks for ``head`` (degrees: yaw, pitch, roll): [3] radians."""
        return np.radians(eased(np.float32(HEAD_SHARE) * head, self.head_limits)).astype(np.float32)

    def coefficients(self, face: FaceState) -> Floats:
        """The 52 coefficients 0..1 as this person speaks. Raises ValueError naming the first that is not a number."""
        amount = coefficients(face, self.present)
        amount[OPENING_ROWS] = np.minimum(amount[OPENING_ROWS] * np.float32(self.gain), 1.0)
        amount[WIDTH_ROWS] = np.minimum(amount[WIDTH_ROWS] * np.float32(self.width_gain), 1.0)
        over = np.maximum(amount[WIDE_ROWS] - WIDE_KNEE, 0)
        room = WIDEST - WIDE_KNEE
        amount[WIDE_ROWS] = np.minimum(amount[WIDE_ROWS], WIDE_KNEE) + room * np.tanh(over / room)
        amount[CLOSE] = min(amount[CLOSE] * np.float32(self.gain), amount[OPEN])  # what opens more has to close as much more
        return amount

    def measure(self, face: FaceState) -> LipMeasure:
        """Gap and width of the mouth in the first frame's pose, in units of the distance between the eyes' centres."""
        points = np.empty_like(self.vertices)
        blend_shapes(self.vertices, self.shapes.start, self.shapes.index, self.shapes.delta, self.coefficients(face), points)
        index, weight = self.landmark_ring
        at = np.ascontiguousarray((points[index] * weight[..., None]).sum(1), np.float32)
        screen = np.empty_like(at)
        place(at, self.turn[0], *self.shift[0], self.distance, *self.centre, 1.0, screen)
        p = {number: screen[row, :2].astype(np.float64) for number, row in self.landmark.items()}
        between = max(float(np.linalg.norm((p[33] + p[133]) / 2 - (p[362] + p[263]) / 2)), 1e-6)
        return LipMeasure(float(np.linalg.norm(p[13] - p[14])) / between, float(np.linalg.norm(p[61] - p[291])) / between)


def ring_points(ring: Ring, points: Floats) -> Floats:
    """The points of a ring [n, d] on points [V, d]."""
    index, weight = ring
    return (points[index] * weight[..., None]).sum(1)
