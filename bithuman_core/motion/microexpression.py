"""Small, brief movements of a face at rest: a brow, a corner of the mouth, the lips pressed, a squint."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FACE_SIZE, FaceState
from bithuman_core.motion.reach import Reach
from bithuman_core.timing import TICK_SECONDS

WAIT_MEDIAN, WAIT_SIGMA = 2.4, 0.6  # s between them, log-normal
STRENGTH = (0.45, 1.0)
RISE, HOLD, FALL = (0.18, 0.5), (0.1, 1.4), (0.4, 1.1)  # s
KINDS: tuple[tuple[float, dict[str, float]], ...] = (  # how often, and what at full strength
    (3.0, {"browInnerUp": 0.12, "browOuterUpLeft": 0.13, "browOuterUpRight": 0.1}),
    (1.5, {"browDownLeft": 0.1, "browDownRight": 0.12}),
    (2.0, {"mouthSmileLeft": 0.11, "cheekSquintLeft": 0.06}),
    (2.0, {"mouthSmileRight": 0.11, "cheekSquintRight": 0.06}),
    (2.0, {"mouthSmileLeft": 0.1, "mouthSmileRight": 0.12, "cheekSquintLeft": 0.08, "cheekSquintRight": 0.08}),
    (1.5, {"mouthPressLeft": 0.22, "mouthPressRight": 0.2, "mouthDimpleLeft": 0.06, "mouthDimpleRight": 0.06}),
    (1.0, {"mouthLeft": 0.06, "mouthDimpleLeft": 0.08}),
    (2.5, {"eyeSquintLeft": 0.16, "eyeSquintRight": 0.18}),
    (1.5, {"mouthShrugLower": 0.1, "mouthPressLeft": 0.08, "mouthPressRight": 0.08}),
)
_SHARE = np.array([often for often, _ in KINDS]) / sum(often for often, _ in KINDS)
_FACES = np.stack([FaceState.from_mapping(face).values for _, face in KINDS])


class Microexpressions:
    """One after the other, with rests between, seeded."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._face = _FACES[0]
        self._amount = Reach([0.0])
        self._rising = False
        self._wait = self._rest()

    def _rest(self) -> float:
        return min(max(WAIT_MEDIAN * math.exp(WAIT_SIGMA * self._rng.standard_normal()), 0.5), 9.0)

    def next(self) -> NDArray[np.float32]:
        """What they add to the face at the next tick, float32 [59]."""
        self._wait -= TICK_SECONDS
        if self._wait <= 0.0:
            self._rising = not self._rising
            if self._rising:
                self._face = _FACES[self._rng.choice(len(KINDS), p=_SHARE)]
                rise = float(self._rng.uniform(*RISE))
                self._amount.go([float(self._rng.uniform(*STRENGTH))], rise)
                self._wait = rise + float(self._rng.uniform(*HOLD))
            else:
                fall = float(self._rng.uniform(*FALL))
                self._amount.go([0.0], fall)
                self._wait = fall + self._rest()
        amount = float(self._amount.next()[0])
        return np.float32(amount) * self._face if amount > 1e-4 else np.zeros(FACE_SIZE, np.float32)
