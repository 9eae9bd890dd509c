"""The frames of a film without their background, two at a time, moved and mixed as the pictures are. One session's scratch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.footage.flow import STEP
from bithuman_core.render.footage.head import Head
from bithuman_core.render.footage.shading import TAPS, mix_pictures, shift_picture
from bithuman_core.render.matte.film import Matte, MattePlayer
from bithuman_core.render.matte.layers import mix_covers, shift_cover

Picture = NDArray[np.uint8]


class CutOut:
    """Person and cover of the frame that is shown (0) and of the one that is gone over from (1)."""

    def __init__(self, matte: Matte, size: tuple[int, int]) -> None:
        width, height = size
        self._player = MattePlayer(matte)
        self._person = np.empty((2, height, width, 3), np.uint8)
        self._cover, self._moved = np.empty((2, height, width), np.uint8), np.empty((2, height, width), np.uint8)
        self._lines = np.empty(TAPS, np.float32)
        self._between = np.empty((height, width), np.uint8)
        self._pictures, self._picture = np.empty((2, height, width, 3), np.uint8), np.empty((height, width, 3), np.uint8)
        self.before = np.empty((height, width, 3), np.uint8)  # the person before a plate
        self.over_white = np.empty((height, width, 3), np.uint8)
        self.white = np.full((height, width, 3), 255, np.uint8)

    def lift(self, which: int, frame: int, picture: Picture, ahead: Sequence[int], head: Head) -> tuple[Picture, Head, Picture]:
        """(The person of a frame, times alpha [h, w, 3], its head, alpha [h, w])."""
        person, cover = self._person[which], self._cover[which]
        self._player.lift(frame, picture, ahead, person, cover)
        return person, head, cover

    def move(self, which: int, picture: Picture, field: NDArray[np.float32]) -> None:
        """Move a person and her cover, field as of `HeadFlow.field`."""
        shift_picture(picture, field, STEP, self._lines, self._pictures[which])
        shift_cover(self._cover[which], field, STEP, self._moved[which])

    def mixed(self, share: float, sharper: float) -> Picture:
        """The moved person, who goes over to the other one by ``share`` 0..1, a little sharpened, [h, w, 3]."""
        first, second = self._pictures if share not in (0, 1) else (self._pictures[int(share)],) * 2
        mix_pictures(first, second, np.float32(share), np.float32(sharper), self._picture)
        return self._picture

    def mixed_cover(self, share: float) -> Picture:
        """Her cover, likewise, [h, w]."""
        if share in (0, 1):
            return self._moved[int(share)]
        mix_covers(self._moved[0], self._moved[1], np.float32(share), self._between)
        return self._between
