"""The portrait rig: everything of an avatar that renderers share, read-only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import BREATH, FACE_NAMES, HEAD_NAMES, INDEX, FaceState
from bithuman_core.render.correctives import Correctives
from bithuman_core.render.posing import WEIGHTS, blend_shapes, head_transforms, project

BREATH_LIFT = 3.0 / 1024  # of the canvas: how far full lungs lift the shoulders
OPEN, CLOSE = INDEX["jawOpen"], INDEX["mouthClose"]
KNEE = 0.75  # share of a head limit up to which poses are followed exactly; beyond it they ease into the limit
DEFAULT_LIMITS = {"headYaw": (-15.0, 15.0), "headPitch": (-10.0, 10.0), "headRoll": (-10.0, 10.0), "headX": (-0.1, 0.1),
                  "headY": (-0.1, 0.1), "headZ": (-0.2, 0.2)}  # fmt: skip


def coefficients(face: FaceState, present: NDArray[np.float32]) -> NDArray[np.float32]:
    """The 52 coefficients of a face inside 0..1, mouthClose no larger than jawOpen; those that are not ``present`` (0, 1) are 0.

    Raises ValueError naming the first value that is not a number.
    """
    if not np.isfinite(face.values).all():
        name = FACE_NAMES[int(np.flatnonzero(~np.isfinite(face.values))[0])]
        raise ValueError(f"The face value {name} is not a finite number: give 0..1 (head: degrees or face widths).")
    amount = np.clip(face.coefficients, 0.0, 1.0) * present
    # mouthClose closes the lips over an open jaw; beyond that they would pass through each other.
    amount[CLOSE] = min(amount[CLOSE], amount[OPEN])
    return amount


def eased(value: NDArray[Any], limits: NDArray[np.float32]) -> NDArray[Any]:
    """Values [k] within limits [k, 2], (lowest, highest), about 0: followed up to a knee, then gently to the limit."""
    limit = np.where(value < 0, -limits[:, 0], limits[:, 1])
    size, knee = np.abs(value), KNEE * limit
    room = np.maximum(limit - knee, 1e-9)
    return np.copysign(np.where(size > knee, knee + room * np.tanh((size - knee) / room), size), value)


@dataclass(frozen=True)
class LipMeasure:
    """The mouth of a posed face in units of the distance between the eyes' centres (interocular)."""

    gap: float  # distance of the middles of the inner lips (MediaPipe 13 and 14)
    width: float  # distance of the mouth corners (MediaPipe 61 and 291)


@dataclass(frozen=True)
class Eye:
    """One eyeball: BGR and shade [h, w, 4], catchlight [h, w, 3]; centre and radius in px of the picture."""

    picture: NDArray[np.uint8]
    catchlight: NDArray[np.uint8]
    centre: tuple[float, float]
    radius: float
    place: tuple[int, int]  # x, y of the picture's corner


@dataclass(frozen=True)
class Still:
    """A part of the figure that only breath moves, drawn once: BGRA [h, w, 4], colours times alpha; ``top``: its first row."""

    picture: NDArray[np.uint8]
    top: int


@dataclass(frozen=True)
class Shapes:
    """Vertex deltas of the 52 coefficients in ARKit order; absent shapes are empty."""

    start: NDArray[np.uint32]  # [53] first row of every shape
    index: NDArray[np.uint16]  # [N] vertex
    delta: NDArray[np.float32]  # [N, 3] px


@dataclass(frozen=True)
class Residual:
    """What each of R rows, the 52 coefficients and the correctives, adds to the texture, in its box; absent ones are empty."""

    box: NDArray[np.int32]  # [R, 4] x0, y0, x1, y1
    start: NDArray[np.int64]  # [R + 1] where in values each one begins
    values: NDArray[np.int8]  # box after box, row by row: blue, green, red, 0
    scale: NDArray[np.float32]  # [R] levels a step


@dataclass(frozen=True)
class PortraitRig:
    """An avatar ready to be rendered. Shared by sessions, never changed.

    Positions are in px space: x right, y down, z away from the camera, relative to the principal point ``centre``, on a canvas
    whose shorter side has ``canvas`` px; frames have half its size, or its size where the rig was made for it.
    """

    name: str
    size: tuple[int, int]  # of a frame: width, height
    canvas: int
    centre: tuple[float, float]  # canvas px
    distance: float
    pivot: NDArray[np.float32]
    face_width: float
    gaze: tuple[float, float, float]  # radians at coefficient 1: to the side, up, down
    shade_scale: float
    mouth_ambient: float  # 0..1: light in the depth of the mouth
    mouth_warmth: float  # 0..1: how far that light turns red; 0 in avatars without colours
    mouth_cover: float  # 0..1: what the lips take of the light further in; thick lips more
    pixel_filter: float  # 0..0.25: share of every neighbour in a finished pixel
    head_limits: NDArray[np.float32]  # [6, 2]
    present: NDArray[np.float32]  # [52] 1 or 0: which coefficients the avatar has; what it lacks does nothing, nor moves its gaze
    vertices: NDArray[np.float32]
    uv: NDArray[np.float32]  # px of the texture as it is here
    triangles: NDArray[np.uint16]
    part: NDArray[np.uint8]
    weight: NDArray[np.uint8]
    shapes: Shapes
    correctives: Correctives
    smooth: Residual  # at a quarter of the texture's size
    detail: Residual  # at half of it
    landmark: dict[int, int]  # MediaPipe number -> row of the two below
    landmark_index: NDArray[np.uint16]
    landmark_weight: NDArray[np.float32]
    backdrop_vertices: NDArray[np.float32]
    backdrop_uv: NDArray[np.float32]
    backdrop_triangles: NDArray[np.uint16]  # those that move
    still_triangles: NDArray[np.uint16]  # those that are drawn once
    backdrop_weight: NDArray[np.uint8]
    texture: NDArray[np.uint32]  # packed BGRA
    backdrop: NDArray[np.uint32]
    plate: NDArray[np.uint8]
    still: Still  # what of the backdrop does not follow the head
    eyes: tuple[Eye, Eye]  # the character's left (image right), right
    residual_side: int
    matted: bool  # the alpha of the backdrop was estimated from a photo, not rendered with it

    @property
    def scale(self) -> float:
        """Px of a frame to one of the canvas: 0.5 or 1."""
        return min(self.size) / self.canvas

    def limits(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest head values by name (degrees, fractions of the face width)."""
        return {name: (float(a), float(b)) for name, (a, b) in zip(HEAD_NAMES, self.head_limits, strict=True)}

    def coefficients(self, face: FaceState) -> NDArray[np.float32]:
        """The 52 coefficients inside 0..1, 0 where the avatar has none, mouthClose no larger than jawOpen.

        Raises ValueError naming the first value that is not a number.
        """
        return coefficients(face, self.present)

    def head(self, face: FaceState) -> NDArray[np.float64]:
        """Yaw, pitch, roll (radians), X, Y, Z (px), eased into the limits."""
        out = eased(face.head.astype(np.float64), self.head_limits)
        out[:3] = np.radians(out[:3])
        out[3:] *= self.face_width
        return out

    def lift(self, face: FaceState) -> float:
        """How far breath lifts the shoulders, px of the canvas."""
        return min(max(face[BREATH], 0.0), 1.0) * BREATH_LIFT * self.canvas

    def measure(self, face: FaceState) -> LipMeasure:
        """Gap and width of the mouth in the picture of the posed rig (as they are measured on video: without depth)."""
        points = np.empty_like(self.vertices)
        shapes = self.shapes
        blend_shapes(self.vertices, shapes.start, shapes.index, shapes.delta, self.coefficients(face), points)
        corners = points[self.landmark_index]
        at = np.ascontiguousarray((corners * self.landmark_weight[..., None]).sum(1), np.float32)
        transforms = np.empty((WEIGHTS, 12), np.float32)
        head_transforms(self.head(face), 0.0, transforms)
        screen = np.empty_like(at)
        whole = np.full(len(at), 255, np.uint8)
        project(at, whole, transforms, self.pivot, self.distance, *self.centre, 1.0, 1.0, screen)
        p = {number: screen[row, :2].astype(np.float64) for number, row in self.landmark.items()}
        between = max(float(np.linalg.norm((p[33] + p[133]) / 2 - (p[362] + p[263]) / 2)), 1e-6)
        return LipMeasure(float(np.linalg.norm(p[13] - p[14])) / between, float(np.linalg.norm(p[61] - p[291])) / between)
