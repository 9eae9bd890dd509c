"""A take: the face of every tick, and which of its channels the take speaks for; the others stay with the avatar's own life."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FACE_NAMES, FACE_SIZE
from bithuman_core.timing import FPS

_MOUTH_PARTS = ("jaw", "mouth", "cheekPuff", "tongueOut")
_PARTS = (_MOUTH_PARTS, ("eye",), ("brow", "cheekSquint", "noseSneer"), ("headYaw", "headPitch", "headRoll"),
          ("headX", "headY", "headZ"), ("breath",))  # fmt: skip
GROUPS: tuple[NDArray[np.bool_], ...] = tuple(np.array([name.startswith(part) for name in FACE_NAMES]) for part in _PARTS)
"""Mouth and jaw, eyes, brows with cheeks and nose, the head's turn, its place, breath: bool [59] each, together everything."""
MOUTH = GROUPS[0]


class Mouth(str, Enum):
    """What moves the mouth where there are both a take and a sound."""

    TAKE = "take"
    SPEECH = "speech"


@dataclass(frozen=True, slots=True)
class MotionFrame:
    """One tick of a take: ``values`` float32 [59] as in a FaceState, of which those count that are ``driven`` (bool [59]).

    ``spoken``: nothing but the mouth is driven, so the frame stands in for the speech net and the avatar lives around it.
    """

    values: NDArray[np.float32]
    driven: NDArray[np.bool_]
    spoken: bool


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """``values`` float32 [n, 59], 25 a second, coefficients inside 0..1, n at least 1; ``driven`` bool [59]."""

    values: NDArray[np.float32]
    driven: NDArray[np.bool_]

    def __post_init__(self) -> None:
        shape, size = self.values.shape, (FACE_SIZE,)
        if len(shape) != 2 or shape[1:] != size or not shape[0] or self.driven.shape != size:
            raise ValueError(f"a take is float32 [n, {FACE_SIZE}] and bool [{FACE_SIZE}], not {list(shape)}")

    def __len__(self) -> int:
        """How many ticks."""
        return len(self.values)

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self) / FPS

    @property
    def spoken(self) -> bool:
        """Whether nothing but the mouth is driven."""
        return not (self.driven & ~MOUTH).any()

    def frame(self, index: int) -> MotionFrame:
        """One tick."""
        return MotionFrame(self.values[index], self.driven, self.spoken)

    def frames(self) -> Iterator[MotionFrame]:
        """All of them."""
        return map(self.frame, range(len(self)))

    def without_mouth(self) -> Take:
        """The same, with the mouth left to the speech."""
        return Take(self.values, self.driven & ~MOUTH)


def moved_groups(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """bool [59]: the groups of channels of which any is not 0 throughout values [n, 59].

    Recorders write 0 for what they do not follow (a head whose rotation is switched off), so that is the avatar's own.
    """
    moved = (values != 0.0).any(axis=0)
    return np.any([group for group in GROUPS if (group & moved).any()] or [np.zeros(FACE_SIZE, bool)], axis=0)
