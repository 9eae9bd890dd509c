"""Faces that are no person's: drawings, figures of films, statues. They are taken as they are, and the user is told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bithuman_core.build.photo.colour import LUMA, srgb_to_lab
from bithuman_core.build.photo.landmarker import Face
from bithuman_core.build.photo.pixels import face_pixels

EYES = {"left": (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
        "right": (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)}  # fmt: skip
BELOW = {"left": (339, 254, 253, 252, 256, 449, 450, 451), "right": (110, 24, 23, 22, 26, 229, 230, 231)}
"""MediaPipe numbers by side: the outline of an eye, and the skin below it."""
LIDS = ((159, 145), (386, 374))
LARGE_EYES = 0.105
"""Height of the open eyes in face widths: people have .05 to .095 (startled), figures of animated films .115 and more."""
MEASURED_WIDTH = 256
WHITE = 0.6
"""Quantile of brightness in an eye from which it is its white."""
BRIGHT = 0.5
STONE, COLOURFUL = 5.5, 25.0
"""Distance in colour (a*b*) of a statue's eyes from its skin, of people 8 and more; of skin from grey, for this to tell."""


def large_eyes(face: Face) -> bool:
    """Whether the eyes are larger than any person's."""
    points = face.landmarks
    tall = float(np.mean([np.linalg.norm(points[a, :2] - points[b, :2]) for a, b in LIDS]))
    return tall > LARGE_EYES * face.width


def eyes_of_stone(face: Face, image: Image.Image) -> bool:
    """Whether both eyes have the colour of the skin about them, as carved, cast or moulded ones do."""
    pixels, points = face_pixels(face, image, MEASURED_WIDTH)
    return all(_like_skin(pixels, points, side) for side in EYES)


def _like_skin(pixels: NDArray[np.float32], points: NDArray[np.float32], side: str) -> bool:
    mask = Image.new("1", (pixels.shape[1], pixels.shape[0]))
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in points[list(EYES[side])]], fill=1)
    eye = pixels[np.asarray(mask)]
    rows, columns = np.clip(points[list(BELOW[side])].astype(int), 0, np.array(pixels.shape[1::-1]) - 1).T[::-1]
    skin = _hue(np.median(pixels[rows, columns], axis=0)[None])[0]
    if not len(eye) or float(np.linalg.norm(skin)) < COLOURFUL:
        return False
    light = eye @ LUMA
    white = np.median(_hue(eye[light >= np.quantile(light, WHITE)]), axis=0)
    return float(np.linalg.norm(white - skin)) < STONE


def _hue(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """a*, b* [n, 2] of colours [n, 3] as if they were all as bright."""
    lit = colours * (BRIGHT / np.maximum(colours @ LUMA, 0.02))[:, None]
    return srgb_to_lab(np.clip(lit, 0, 1).astype(np.float32))[:, 1:]
