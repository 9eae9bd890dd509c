"""What other pictures of a clip show of the same person that the chosen one hides: teeth, the dark of the mouth, closed lids.

Pictures of one clip differ in light: colours are kept relative to the cheeks' in the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.landmarker import Face
from bithuman_core.build.photo.pixels import face_pixels
from bithuman_core.build.skin.mouth import inside_lips, palest

WIDTH = 410
"""Px the face is brought to before colours are taken: its width on the canvas."""
CHEEKS = (50, 280, 101, 330, 205, 425)
INNER_LIPS = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
LIDS = ((160, 29), (159, 27), (158, 28), (387, 257), (386, 257), (385, 258))
"""Pairs on the edge of the upper lid and below the brow; a third of the way up lies what folds away as the eye opens."""
UP_THE_LID = 0.35
SHUT = 0.6
"""Blink, as the expression net reads it, from which an eye shows its lid."""
DARKEST, LEAST = 0.25, 150
"""Share of an open mouth that is its dark; least px of it."""
SURELY_DARK = 0.5
"""Of the cheeks' brightness: brighter is tongue or teeth."""


@dataclass(frozen=True)
class Seen:
    """A colour relative to the cheeks' [3] (RGB), how much of it a picture showed, and when (seconds)."""

    colour: Array
    amount: float
    seconds: float


    def beside(self, cheeks: Array) -> Array:
        """The colour [3] in a picture whose cheeks have the colour cheeks [3], RGB 0..1."""
        return np.clip(self.colour * cheeks, 0, 1)


@dataclass(frozen=True)
class Observed:
    """The best sights of a clip; None: it never showed that."""

    teeth: Seen | None = None
    cavity: Seen | None = None
    lids: Seen | None = None

    def better(self, other: Observed) -> Observed:
        """Of each the one that showed more."""

        def more(a: Seen | None, b: Seen | None) -> Seen | None:
            return b if a is None or (b is not None and b.amount > a.amount) else a

        return Observed(more(self.teeth, other.teeth), more(self.cavity, other.cavity), more(self.lids, other.lids))


def observe(face: Face, image: Image.Image, seconds: float, clear: float) -> Observed:
    """What one picture shows. clear 0..1: how sharp and frontal it is; weighs its sights."""
    pixels, points = face_pixels(face, image, WIDTH)
    cheeks = cheek_colour(pixels, points)
    if cheeks.min() <= 0.02:
        return Observed()
    mouth = inside_lips(pixels, points[list(INNER_LIPS), :2])
    teeth = palest(mouth)
    return Observed(
        None if teeth is None else Seen(teeth.colour / cheeks, teeth.count * clear, seconds),
        _cavity(mouth, cheeks, seconds, clear),
        _lids(face, pixels, points, cheeks, seconds, clear),
    )


def cheek_colour(pixels: Array, points: Array) -> Array:
    """Colour [3] of the cheeks of a picture [h, w, 3] with the landmarks points [478, 2 or 3] px."""
    return np.median([_around(pixels, points[number]) for number in CHEEKS], axis=0)


def _around(pixels: Array, point: Array, radius: int = 3) -> Array:
    x, y = np.clip(point[:2].astype(int), radius, np.array(pixels.shape[1::-1]) - radius - 1)
    return np.median(pixels[y - radius : y + radius + 1, x - radius : x + radius + 1].reshape(-1, 3), axis=0)


def _cavity(mouth: Array, cheeks: Array, seconds: float, clear: float) -> Seen | None:
    if len(mouth) < LEAST:
        return None
    light = mouth.mean(1)
    dark = mouth[light <= np.quantile(light, DARKEST)]
    colour = np.median(dark, axis=0)
    return Seen(colour / cheeks, len(mouth) * clear, seconds) if colour.mean() < SURELY_DARK * cheeks.mean() else None


def _lids(face: Face, pixels: Array, points: Array, cheeks: Array, seconds: float, clear: float) -> Seen | None:
    shut = min(face.blendshapes["eyeBlinkLeft"], face.blendshapes["eyeBlinkRight"])
    if shut < SHUT:
        return None
    places = [points[edge] + UP_THE_LID * (points[brow] - points[edge]) for edge, brow in LIDS]
    return Seen(np.median([_around(pixels, p) for p in places], axis=0) / cheeks, shut * clear, seconds)
