"""Pictures that no frame of a film shows: a head turned a little, or between those of two frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.footage.colours import pick_coloured
from bithuman_core.render.footage.film import Colours
from bithuman_core.render.footage.flow import STEP
from bithuman_core.render.footage.moved import Floats, Moved
from bithuman_core.render.footage.planes import Planes, mix, move_sharply


class Turned(Moved[Planes]):
    """Whole pictures of a film."""

    def _pick(self, picture: Planes, places: Floats, out: NDArray[np.uint8]) -> None:
        pick_coloured(*picture, places, out)


class Turning:
    """Makes such pictures, for one session. Holds scratch buffers only."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._moved, self._between = [Planes.empty(size) for _ in range(2)], Planes.empty(size)
        self._room, self._coarse_room = np.empty((8, STEP), np.float32), np.empty((8, STEP // 2), np.float32)
        self._colours = Colours()

    def picture(self, turned: Turned) -> NDArray[np.uint8]:
        """BGR uint8 [h, w, 3]."""
        if not turned.fields:
            return self._colours.of(turned.pictures[0])
        for picture, field, out in zip(turned.pictures, turned.fields, self._moved, strict=False):
            move_sharply(picture.y, field, STEP, np.float32(1), self._room, out.y)
            move_sharply(picture.u, field, STEP // 2, np.float32(0.5), self._coarse_room, out.u)
            move_sharply(picture.v, field, STEP // 2, np.float32(0.5), self._coarse_room, out.v)
        first, second = self._moved[0], self._moved[len(turned.pictures) - 1]
        share, between = np.float32(turned.share), self._between
        mix(first.y, second.y, share, np.float32(turned.sharper), between.y)
        mix(first.u, second.u, share, np.float32(0), between.u)
        mix(first.v, second.v, share, np.float32(0), between.v)
        return self._colours.of(between)
