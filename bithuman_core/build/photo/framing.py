"""The shapes of frame an avatar is built for, and where the head stands in them."""

from __future__ import annotations

from dataclasses import dataclass

from bithuman_core.build.photo.portrait import CANVAS


@dataclass(frozen=True)
class Framing:
    """Size of the canvas, px (twice the frame's), and the height of the eyes as a share of it: wanted, highest and lowest."""

    width: int
    height: int
    eye_line: float
    highest_eyes: float
    lowest_eyes: float


LONG = 1824
"""The longer side for 16:9: the nearest to 1024 * 16 / 9 whose half a frame can have, see `ROW_STEP` in ``render/loading.py``."""
FRAMINGS = {
    "1:1": Framing(CANVAS, CANVAS, 0.42, 0.36, 0.48),
    "9:16": Framing(CANVAS, LONG, 0.36, 0.3, 0.5),
    "16:9": Framing(LONG, CANVAS, 0.42, 0.36, 0.48),
}
