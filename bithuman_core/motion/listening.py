"""A listener: leans in a little, looks at who speaks, and nods now and then (back-channel)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FACE_SIZE, INDEX, FaceState
from bithuman_core.motion.spring import Spring
from bithuman_core.timing import TICK_SECONDS

LEAN_SECONDS = 0.7  # to lean in, and back
LEAN = FaceState.from_mapping(
    {"headPitch": -1.2, "headRoll": 1.8, "headZ": -0.012, "browInnerUp": 0.07, "browOuterUpLeft": 0.07, "browOuterUpRight": 0.06,
     "mouthSmileLeft": 0.05, "mouthSmileRight": 0.05}
).values  # fmt: skip
NOD_WAIT = (1.8, 5.0)  # s between nods
NOD_SECONDS, NOD_DEGREES = (0.5, 0.75), (1.6, 3.2)
TWICE_CHANCE = 0.35  # of a second, smaller dip in the same nod
UNDERSTOOD_CHANCE = 0.7  # of a nod where the other one has finished


class Listening:
    """What attention adds to the face, seeded."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._lean = Spring([0.0], LEAN_SECONDS)
        self._listened = False
        self._wait = float(rng.uniform(*NOD_WAIT))
        self._age, self._seconds, self._degrees, self._twice = math.inf, 1.0, 0.0, False

    @property
    def attention(self) -> float:
        """How attentive, 0..1, smooth."""
        return float(self._lean.shown[0])

    def _begin_nod(self) -> None:
        self._age = 0.0
        self._seconds = float(self._rng.uniform(*NOD_SECONDS))
        self._degrees = float(self._rng.uniform(*NOD_DEGREES))
        self._twice = bool(self._rng.uniform() < TWICE_CHANCE)
        self._wait = float(self._rng.uniform(*NOD_WAIT))

    def next(self, listening: bool) -> NDArray[np.float32]:
        """What it adds at the next tick, float32 [59]."""
        self._lean.next(np.array([float(listening)]))
        self._age += TICK_SECONDS
        self._wait -= TICK_SECONDS * listening
        finished = self._listened and not listening
        if self._wait <= 0.0 or (finished and self._rng.uniform() < UNDERSTOOD_CHANCE):
            self._begin_nod()
        self._listened = listening
        face = np.float32(self.attention) * LEAN if self.attention > 1e-3 else np.zeros(FACE_SIZE, np.float32)
        face[INDEX["headPitch"]] -= self._degrees * self._dip()
        return face

    def _dip(self) -> float:
        first = _bump(self._age / self._seconds)
        return first + 0.55 * _bump(self._age / self._seconds - 0.85) if self._twice else first


def _bump(t: float) -> float:
    return math.sin(math.pi * t) ** 2 if 0.0 < t < 1.0 else 0.0
