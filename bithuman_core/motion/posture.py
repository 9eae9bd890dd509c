"""How the head is held: it rests, shifts to another pose, and rests again. Heads do not sway like buoys."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bithuman_core.motion.noise import SmoothNoise
from bithuman_core.motion.reach import Reach
from bithuman_core.timing import TICK_SECONDS

HOLD_MEDIAN, HOLD_SIGMA = 2.2, 0.6  # s between shifts, log-normal
HOLD_SHORTEST, HOLD_LONGEST = 0.6, 9.0
SPEAKING_HURRY = 1.9  # talkers shift that much more often
SPREAD = np.array([2.3, 1.2, 1.5])  # standard deviation of the poses: yaw, pitch, roll, degrees
SMALL_SHARE, SMALL = 0.55, 0.4  # so many of the shifts are small ones: this share of the way to the next pose
REACH_SECONDS, REACH_PER_DEGREE = 0.45, 0.09  # a shift takes longer the farther it goes
LEAN = np.array([[0.0, 0.0, 0.0035], [0.0016, 0.0, 0.0]])  # X, Z (face widths) that go with a degree of yaw, pitch, roll
CARRIED = 0.3  # share of a far glance that the head does
DRIFT_PERIOD, DRIFT = 3.1, np.array([0.22, 0.2, 0.14])  # s, degrees: nobody holds quite still


class Posture:
    """Yaw, pitch, roll (degrees), X and Z (face widths) of a head that nothing else moves, seeded."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._pose = SPREAD * rng.standard_normal(3) * 0.5
        self._head = Reach(self._pose)
        self._drift = SmoothNoise(rng, 3, DRIFT_PERIOD)
        self._wait = self._hold()

    def _hold(self) -> float:
        seconds = HOLD_MEDIAN * math.exp(HOLD_SIGMA * self._rng.standard_normal())
        return min(max(seconds, HOLD_SHORTEST), HOLD_LONGEST)

    def shift(self) -> None:
        """Go to another pose: a phrase begins, or it is time."""
        new = SPREAD * np.clip(self._rng.standard_normal(3), -2.0, 2.0)
        share = SMALL if self._rng.uniform() < SMALL_SHARE else 1.0
        self._go(self._pose + share * (new - self._pose))

    def follow(self, gaze: NDArray[np.float64]) -> None:
        """The eyes went far aside, to (yaw, pitch) in degrees: the head, unless it moves already, goes some of the way."""
        if self._head.resting:
            self._go(np.array([CARRIED * gaze[0], CARRIED * gaze[1], self._pose[2]]))

    def _go(self, pose: NDArray[np.float64]) -> None:
        degrees = float(np.linalg.norm(pose - self._pose))
        seconds = (REACH_SECONDS + REACH_PER_DEGREE * degrees) * float(self._rng.uniform(0.85, 1.3))
        self._pose, self._wait = pose, seconds + self._hold()
        self._head.go(pose, seconds)

    def next(self, speaking: float = 0.0) -> NDArray[np.float64]:
        """The pose at the next tick, float64 [5]; speaking 0..1 brings the next shift nearer."""
        self._wait -= TICK_SECONDS * (1.0 + (SPEAKING_HURRY - 1.0) * speaking)
        if self._wait <= 0.0:
            self.shift()
        angles = self._head.next() + DRIFT * self._drift.next()
        return np.concatenate([angles, LEAN @ angles])
