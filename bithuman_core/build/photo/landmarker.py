"""478 points and 52 expression values of a face: MediaPipe's face landmarker, without its runtime.

Kartynnik et al., "Real-time facial surface geometry" (2019); crop rule, subset and names as in MediaPipe's
face_landmarks_detector_graph and face_blendshapes_graph (Apache-2.0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bithuman_core.build.photo.detector import Detection
from bithuman_core.build.photo.models import FaceNets
from bithuman_core.face import ARKIT_NAMES

CROP = 256
MARGIN = 1.5
"""Side of the crop in sides of the face's box."""
REFINEMENTS = 2
"""Further looks, each at a crop from the landmarks of the one before."""
MIN_PRESENCE = 0.9
"""Presence of a face in the crop: above .999 on people, covered and blurred ones too, below .6 on a cat."""
LEFT_EDGE, RIGHT_EDGE = 234, 454
"""The face's edges in front of the ears, image left and right: their distance is the face width."""
EYE_CORNERS = [33, 263]
"""Outer eye corners, image left and right."""
FOREHEAD, CHIN = 10, 152
SYMMETRIC = np.array([(234, 454), (127, 356), (33, 263), (93, 323), (132, 361), (58, 288), (61, 291), (50, 280), (70, 300)])
"""Points that mirror each other, image left first."""

# fmt: off
BLENDSHAPE_POINTS = np.array([
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80, 81, 82, 84,
    87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159,
    160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270, 276, 282, 283,
    284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361,
    362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415,
    454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
])
"""The landmarks the expression net reads."""
# fmt: on
BLENDSHAPE_NAMES = ("_neutral", *sorted(name for name in ARKIT_NAMES if name != "tongueOut"))
"""The expression net's order."""


@dataclass(frozen=True)
class Face:
    """One face: landmarks [478, 3] in photo px (z negative towards the camera), expression, the detector's score 0..1."""

    landmarks: NDArray[np.float32]
    blendshapes: dict[str, float]
    score: float

    @property
    def width(self) -> float:
        """Face width as if seen from the front, photo px."""
        return float(np.linalg.norm(self.landmarks[RIGHT_EDGE] - self.landmarks[LEFT_EDGE]))

    @property
    def box(self) -> NDArray[np.float32]:
        """x0, y0, x1, y1 of the landmarks, photo px."""
        return np.concatenate([self.landmarks[:, :2].min(0), self.landmarks[:, :2].max(0)])

    @property
    def angles(self) -> tuple[float, float, float]:
        """Yaw (+ nose to image right), pitch (+ up) and roll (+ clockwise) of the head, degrees.

        From the mean direction of symmetric pairs and of the line from chin to forehead; within 2 degrees on our renders.
        """
        pairs = self.landmarks[SYMMETRIC[:, 1]] - self.landmarks[SYMMETRIC[:, 0]]
        across = (pairs / np.linalg.norm(pairs, axis=1, keepdims=True)).mean(0)
        down = self.landmarks[CHIN] - self.landmarks[FOREHEAD]
        yaw = np.arcsin(across[2] / np.linalg.norm(across))
        pitch = np.arcsin(-down[2] / np.linalg.norm(down))
        return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(np.arctan2(across[1], across[0])))


def read_face(nets: FaceNets, photo: Image.Image, detection: Detection) -> Face | None:
    """The face at ``detection`` in an RGB photo, or None where the net sees none there."""
    landmarks, presence = landmarks_at(nets, photo, *crop_at(detection.box, detection.eyes))
    for _ in range(REFINEMENTS):
        if presence < MIN_PRESENCE:
            return None
        box = np.concatenate([landmarks[:, :2].min(0), landmarks[:, :2].max(0)])
        landmarks, presence = landmarks_at(nets, photo, *crop_at(box, landmarks[EYE_CORNERS, :2]))
    values = nets.blendshapes(landmarks[BLENDSHAPE_POINTS, :2])[0]
    expression = {name: float(value) for name, value in zip(BLENDSHAPE_NAMES, values, strict=True) if name != "_neutral"}
    return Face(landmarks, expression, detection.score)


def crop_at(box: NDArray[np.float32], eyes: NDArray[np.float32]) -> tuple[NDArray[np.float32], float, float]:
    """Middle [2] px, side px and roll (radians, clockwise) of the square the landmark net looks at."""
    across = eyes[1] - eyes[0]
    middle = ((box[:2] + box[2:]) / 2).astype(np.float32)
    return middle, float(MARGIN * (box[2:] - box[:2]).max()), float(np.arctan2(across[1], across[0]))


def landmarks_at(
    nets: FaceNets, photo: Image.Image, middle: NDArray[np.float32], side: float, roll: float
) -> tuple[NDArray[np.float32], float]:
    """Landmarks [478, 3] in photo px, and the presence of a face there."""
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]], np.float32)
    points, presence, *_ = nets.landmarks(_cut(photo, middle, side, turn))
    raw = points.reshape(-1, 3) / CROP
    landmarks = raw * side
    landmarks[:, :2] = (raw[:, :2] - 0.5) * side @ turn.T + middle
    return np.asarray(landmarks, np.float32), float(1 / (1 + np.exp(-presence.item())))


def _cut(photo: Image.Image, middle: NDArray[np.float32], side: float, turn: NDArray[np.float32]) -> NDArray[np.float32]:
    """The turned square, [CROP, CROP, 3] RGB 0..1; the photo is made smaller first where the crop is (no aliasing)."""
    reach = side * 0.75
    left, top = (max(0, int(v)) for v in middle - reach)
    right, bottom = (min(limit, int(v) + 1) for limit, v in zip(photo.size, middle + reach, strict=True))
    if right - left < 2 or bottom - top < 2:
        return np.zeros((CROP, CROP, 3), np.float32)
    shrink = max(1, int(side / CROP))
    box = (left, top, right, bottom)
    part = photo.reduce(shrink, box) if shrink > 1 else photo.crop(box)
    step = side / CROP / shrink
    origin = (middle - np.array([left, top])) / shrink - turn @ np.full(2, CROP / 2) * step
    matrix = turn * step
    place = (matrix[0, 0], matrix[0, 1], origin[0], matrix[1, 0], matrix[1, 1], origin[1])
    cut = part.transform((CROP, CROP), Image.Transform.AFFINE, tuple(map(float, place)), Image.Resampling.BILINEAR)
    return np.asarray(cut, np.float32) / np.float32(255)
