"""The inside of the mouth: the person's own teeth and tongue, from the frames of the clip that show them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.footage.layers import Opening
from bithuman_core.render.footage.mouth_patch import COLUMNS, LOWER, MIDDLE, UPPER, choose, mix_pictures, part_lips, spread_rows
from bithuman_core.render.smoothstep import smoothstep

Floats = NDArray[np.float32]
TALL, WIDE = 48, 96  # px of a patch: rows from the upper to the lower lip, columns along them
KEPT = 0.45  # of the blend a tick before: no flicker between pictures
SHADED = np.array([0.36, 0.36, 0.42], np.float32)  # of the lips' own colour (BGR): where light comes through them only
ENDS, UPPER_EDGE, LOWER_EDGE = 0.85, 0.42, 0.7  # of it at the corners of the mouth, and where the lips turn inwards
CORNERS, TURNS = 0.18, 0.22  # of a patch's width and height over which these go over into what the picture shows
DEEP, FINE = (0.006, 0.012), 0.01  # face widths over which lips turn inwards in wider mouths, upper and lower; steps of the share
SHADOWED = 0.4  # of a picture, right under the upper lip
STRETCH = 1.15  # by which a picture may be made taller; beyond it the halves stay with their lips
ROWS = np.array([0, 0, 0.25, 0.5, 0.5, 0.75, 1, 1], np.float32)  # of the patch that the grid's rows show


@dataclass(frozen=True)
class Interiors:
    """k pictures of the open mouth, rectified between the lips."""

    patches: Floats  # [k, TALL, WIDE, 3] 0..255, BGR
    features: Floats  # [k, 2], see `mouth_patch.features`
    gap: Floats  # [k] face widths


def measures(ring: Floats, face_width: float) -> tuple[float, float]:
    """(gap, width) of the inner lips, a ring [40, 2], in face widths (both px)."""
    upper, lower = ring[UPPER], ring[LOWER]
    gap = float(np.linalg.norm(lower - upper, axis=-1)[slice(*MIDDLE)].mean())
    return gap / face_width, float(np.linalg.norm(upper[0] - upper[20])) / face_width


@cache
def edges(upwards: float, downwards: float) -> tuple[Floats, Floats]:
    """(Shades of the lips' colour [TALL, WIDE, 3], how much of a picture is seen before it [TALL, WIDE, 1]): lips end neither in
    a cut nor in a black hole, they turn inwards, within these shares of the mouth's height, and meet at the corners."""
    across, down = ((np.arange(n) + 0.5) / n for n in (WIDE, TALL))
    corner = 1 - smoothstep(np.minimum(across, 1 - across), 0, CORNERS)[None]
    upper, lower = (1 - smoothstep(v, 0, share)[:, None] for v, share in ((down, upwards), (1 - down, downwards)))
    shade = np.broadcast_to(SHADED, (TALL, WIDE, 3))
    for part, edge in ((upper, UPPER_EDGE), (lower, LOWER_EDGE), (corner, ENDS)):
        shade = shade + part[..., None] * (edge - shade)
    clear = (1 - corner) * (1 - SHADOWED * upper) * (1 - lower)
    made = shade.astype(np.float32), clear[..., None].astype(np.float32)
    for values in made:
        values.flags.writeable = False
    return made


class MouthInside:
    """Chooses and blends pictures for one session; remembers the blend of the tick before."""

    def __init__(self, interiors: Interiors) -> None:
        self._known = interiors
        self._blend = np.zeros(len(interiors.gap), np.float32)
        self._kept = 0.0  # of it: nothing at first
        self._share = np.empty_like(self._blend)
        self._least = float(interiors.gap.min())
        self._places = np.stack(
            [np.tile(np.arange(COLUMNS) / (COLUMNS - 1) * WIDE, len(ROWS)), np.repeat(ROWS * TALL, COLUMNS)], 1
        ).astype(np.float32)  # fmt: skip
        quads = [(r, c) for r in range(len(ROWS) - 1) for c in range(20)]
        cells = [(r * 21 + c, r * 21 + c + 1, r * 21 + c + 22, r * 21 + c + 21) for r, c in quads]
        self._triangles = np.array([t for a, b, c, d in cells for t in ((a, b, c), (a, c, d))], np.int32)

    def opening(self, ring: Floats, face_width: float, lips: Floats, unit: float = 1.0) -> Opening:
        """What is seen between the lips, a ring [40, 2] in frame px. lips: their colour, BGR 0..255; unit: frame px to one of a
        512 px frame."""
        known, grid = self._known, np.empty((len(ROWS), COLUMNS, 3), np.float32)
        opened, gap, width = (far / face_width for far in part_lips(ring, unit, grid))
        usual = choose(known.features, known.gap, max(gap, self._least), width, self._kept, self._blend, self._share)
        self._kept = KEPT
        taller = max(gap / max(usual, 1e-3) / STRETCH, 1.0)
        turns = [min(TURNS, deep / max(gap, 1e-3)) for deep in DEEP]
        turns[1] = min(turns[1] * taller**2, 0.5)  # what shines on the lower lip does not come along where it goes farther down
        shade, clear = edges(*(FINE * round(turn / FINE) for turn in turns))
        strength = min(opened / max(1.3 * self._least, 0.02), 1.0) ** 1.25
        patch, light = np.empty((TALL, WIDE, 3), np.float32), np.empty(len(ROWS) * COLUMNS, np.float32)
        mix_pictures(known.patches, self._share, lips, shade, clear, strength, patch)
        spread_rows(taller, grid, light)
        return Opening(patch, grid.reshape(-1, 3), self._places, light, self._triangles)
