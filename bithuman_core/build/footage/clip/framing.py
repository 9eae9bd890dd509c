"""What of a clip's picture becomes the frame: one fixed box about the head, for all frames alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from bithuman_core.build.arrays import Array
from bithuman_core.build.footage.clip.refusal import NotFootage
from bithuman_core.build.photo.landmarker import EYE_CORNERS

FACE_SHARE = 0.38  # of the frame's shorter side: the width of the face
EYE_LINE = 0.40  # height of the eyes as a share of the frame's
CANVAS = 1024  # canvas px of the shorter side
SIZES = {"1:1": (512, 512), "9:16": (512, 912), "16:9": (912, 512)}
STEP = 16  # sides are multiples
LEAST_FACE = 120  # px of the clip


@dataclass(frozen=True)
class Crop:
    """A box of the clip's picture (px) that is scaled to the frame's size."""

    left: float
    top: float
    width: float
    height: float
    size: tuple[int, int]

    def cut(self, frame: Array) -> Array:
        """The frame uint8 [h, w, 3] of a picture uint8."""
        left, top = int(self.left), int(self.top)  # the rest of a large picture need not be copied
        part = frame[top : math.ceil(self.top + self.height), left : math.ceil(self.left + self.width)]
        box = (self.left - left, self.top - top, self.left + self.width - left, self.top + self.height - top)
        return np.asarray(Image.fromarray(part).resize(self.size, Image.Resampling.BICUBIC, box))

    def canvas(self, landmarks: Array) -> Array:
        """Landmarks [..., 3] in px of the clip as canvas px (shorter side `CANVAS`, the middle of the frame at 512, 512)."""
        unit = CANVAS / min(self.width, self.height)
        out = landmarks * np.float32(unit)
        out[..., 0] -= unit * (self.left + self.width / 2) - CANVAS / 2
        out[..., 1] -= unit * (self.top + self.height / 2) - CANVAS / 2
        return out

    def frame(self, landmarks: Array) -> Array:
        """Landmarks [..., 3] in canvas px as px of the frame."""
        out = landmarks * np.float32(min(self.size) / CANVAS)
        out[..., :2] += (np.array(self.size, np.float32) - min(self.size)) / 2
        return out


def frame_size(aspect: str, side: int) -> tuple[int, int]:
    """Width and height of frames of an aspect whose shorter side has ``side`` px."""
    width, height = SIZES[aspect]
    longer = round(max(width, height) * side / 512 / STEP) * STEP
    return (longer if width > height else side, longer if height > width else side)


def frame_crop(landmarks: Array, found: Array, picture: tuple[int, int], aspect: str = "1:1", side: int = 512) -> Crop:
    """The box for a clip of pictures width x height, by its landmarks [n, 478, 3]. Raises `NotFootage`: the face is too small."""
    width, height = picture
    seen = landmarks[found]
    face = float(np.median(np.linalg.norm(seen[:, 454] - seen[:, 234], axis=-1)))
    if face < LEAST_FACE:
        raise NotFootage(f"the face is {face:.0f} px wide in the clip and {LEAST_FACE} are needed")
    size = frame_size(aspect, side)
    short = min(face / FACE_SHARE, width * min(size) / size[0], height * min(size) / size[1])
    wide, tall = short * size[0] / min(size), short * size[1] / min(size)
    eyes = np.median(seen[:, EYE_CORNERS, :2].mean(1), 0)
    left = float(np.clip(eyes[0] - wide / 2, 0, width - wide))
    top = float(np.clip(eyes[1] - EYE_LINE * tall, 0, height - tall))
    return Crop(left, top, wide, tall, size)
