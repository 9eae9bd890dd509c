"""Rims of one colour round a photo: borders, bars, margins of scans.

They would stand in the scene as a wedge as soon as the head leans.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NOTE = "A rim of one colour round the picture was cut off."
NEAR = 24
"""Levels of 255 by which px of one colour may differ: JPEG."""
EVEN, LEFT = 0.75, 0.45
"""Least share of a line of the rim that has its colour (one px of it is blurred by JPEG); most where the picture begins."""
BLENDED = 3
"""Lines that rim and picture may share."""
MIXED = 1
"""Lines of the picture that are cut as well: JPEG mixes them with the rim."""
NARROW, WIDE = 0.03, 0.34
"""Widest rim, shares of the picture's side: on one side, and where the opposite side has one, too. Beyond, it is the scene."""

Box = tuple[int, int, int, int]


class _Band(NamedTuple):
    """Px of a side's rim, 0 where none ends; how many lines have its colour [3]."""

    width: int
    even: int
    colour: NDArray[Any]


def inside_rim(image: Image.Image) -> Box | None:
    """The box (left, top, right, bottom) of an RGB picture within its rim; None where it has none."""
    pixels = np.asarray(image)
    across = pixels.swapaxes(0, 1)
    left, top, right, bottom = bands = [_band(lines) for lines in (across, pixels, across[::-1], pixels[::-1])]
    cut = [0, 0, 0, 0]
    for side, (band, facing) in enumerate(zip(bands, (right, bottom, left, top), strict=True)):
        length = image.size[side % 2]
        if 0 < band.width <= max(NARROW * length, BLENDED):
            cut[side] = band.width
        elif 0 < band.width <= WIDE * length and facing.even >= band.width - BLENDED and _alike(band.colour, facing.colour):
            cut[side] = cut[side - 2] = band.width  # bars are alike; where one meets dark clothes, its end cannot be seen
    if sum(width > 0 for width in cut) > 1:  # where the scene has the rim's colour, its end cannot be seen: it goes round
        usual = min(width for width in cut if width)
        colour = bands[int(np.argmax(cut))].colour
        cut = [width or (usual if band.even >= usual and _alike(band.colour, colour) else 0)
               for width, band in zip(cut, bands, strict=True)]  # fmt: skip
    return (cut[0], cut[1], image.width - cut[2], image.height - cut[3]) if any(cut) else None


def _band(lines: NDArray[np.uint8]) -> _Band:
    """The rim at the first of the lines [n, m, 3]."""
    colour = np.median(lines[0], axis=0).astype(np.int16)
    even = 0
    for line in lines[: round(WIDE * len(lines)) + 1]:
        if _near(line, colour) < EVEN:
            break
        even += 1
    for width in range(even, min(even + BLENDED + 1, len(lines)) if even else 0):
        if _near(lines[width], colour) < LEFT:
            return _Band(width + MIXED, even, colour)
    return _Band(0, even, colour)


def _near(line: NDArray[np.uint8], colour: NDArray[np.int16]) -> float:
    """Share of the px [m, 3] that have the colour [3]."""
    return float((np.abs(line - colour).max(-1) <= NEAR).mean())


def _alike(a: NDArray[np.int16], b: NDArray[np.int16]) -> bool:
    return bool(np.abs(a - b).max() <= NEAR)
