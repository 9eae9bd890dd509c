"""The frames of a film without their background: taken out, moved and mixed as the pictures are, and laid before another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.footage.colours import pick
from bithuman_core.render.footage.flow import STEP
from bithuman_core.render.footage.moved import Floats, Moved
from bithuman_core.render.footage.shading import mix_pictures, shift_picture
from bithuman_core.render.matte.film import Matte, MattePlayer
from bithuman_core.render.matte.layers import lay_over, mix_covers, shift_cover

Picture = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Person(Moved[Picture]):
    """The person of such frames. pictures: hers, times alpha [h, w, 3]."""

    covers: tuple[Picture, ...] = ()  # their alpha [h, w]

    def _pick(self, picture: Picture, places: Floats, out: NDArray[np.uint8]) -> None:
        pick(picture, places, out)


@dataclass(frozen=True)
class Before:
    """A person before a plate, BGR [h, w, 3]; yet to be laid over it."""

    person: Person
    plate: Picture


class Lifter:
    """Takes the person out of frames: of the one that is shown (0) and of the one that is gone over from (1)."""

    def __init__(self, matte: Matte, size: tuple[int, int]) -> None:
        width, height = size
        self._player = MattePlayer(matte)
        self._person, self._cover = np.empty((2, height, width, 3), np.uint8), np.empty((2, height, width), np.uint8)

    def lift(self, which: int, frame: int, picture: Picture, ahead: Sequence[int]) -> tuple[Picture, Picture]:
        """(The person of a frame, times alpha [h, w, 3], alpha [h, w]), good until the next one."""
        person, cover = self._person[which], self._cover[which]
        self._player.lift(frame, picture, ahead, person, cover)
        return person, cover


class CutOut:
    """Moves, mixes and lays persons before plates, for one session. Holds scratch buffers only."""

    def __init__(self, size: tuple[int, int]) -> None:
        width, height = size
        self._pictures, self._picture = np.empty((2, height, width, 3), np.uint8), np.empty((height, width, 3), np.uint8)
        self._covers, self._cover = np.empty((2, height, width), np.uint8), np.empty((height, width), np.uint8)
        self._before = np.empty((height, width, 3), np.uint8)
        self._made: Person | None = None  # that lies mixed in the scratch

    def before(self, shown: Before) -> Picture:
        """BGR uint8 [h, w, 3]."""
        person = shown.person
        if not person.fields:
            lay_over(person.pictures[0], person.covers[0], shown.plate, self._before)
            return self._before
        if self._made is not person:  # before two plates one after the other
            self._mix(person)
            self._made = person
        lay_over(self._picture, self._cover, shown.plate, self._before)
        return self._before

    def _mix(self, person: Person) -> None:
        moves = zip(person.pictures, person.covers, person.fields, strict=True)
        for k, (picture, cover, field) in enumerate(moves):
            shift_picture(picture, field, STEP, self._pictures[k])
            shift_cover(cover, field, STEP, self._covers[k])
        last, share = len(person.pictures) - 1, np.float32(person.share)
        mix_pictures(self._pictures[0], self._pictures[last], share, np.float32(person.sharper), self._picture)
        mix_covers(self._covers[0], self._covers[last], share, self._cover)


@cache
def white(size: tuple[int, int]) -> Picture:
    """A plate of width x height."""
    plate = np.full((size[1], size[0], 3), 255, np.uint8)
    plate.flags.writeable = False
    return plate
