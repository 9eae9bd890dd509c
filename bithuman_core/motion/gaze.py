"""Where the eyes look: mostly at the viewer, with small quick saccades and now and then a glance aside."""

from __future__ import annotations

import math

import numpy as np

from bithuman_core.timing import TICK_SECONDS

FIXATION_MEDIAN = 1.1  # seconds between saccades
FIXATION_SIGMA = 0.55
GLANCE_CHANCE = 0.12  # of the saccades; the others stay within the viewer's face
MICRO_DEGREES = (1.2, 0.8)  # standard deviation, yaw and pitch
GLANCE_DEGREES = (7.0, 3.0)
SACCADE_SECONDS = 0.06  # the main sequence gives 30-60 ms for such amplitudes


class Gaze:
    """Gaze angles of both eyes relative to straight at the viewer, seeded."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._from = np.zeros(2)
        self._to = np.zeros(2)
        self._age = 0.0
        self._wait = self._fixation()

    def _fixation(self) -> float:
        return min(max(FIXATION_MEDIAN * math.exp(FIXATION_SIGMA * self._rng.standard_normal()), 0.25), 4.0)

    def next(self) -> tuple[float, float]:
        """(yaw, pitch) in degrees at the next tick; yaw + looks to image right, pitch + looks up."""
        self._age += TICK_SECONDS
        self._wait -= TICK_SECONDS
        if self._wait <= 0.0:
            glance = self._rng.uniform() < GLANCE_CHANCE
            spread = GLANCE_DEGREES if glance else MICRO_DEGREES
            self._from, self._to = self._at(self._age), self._rng.standard_normal(2) * spread
            self._age = 0.0
            self._wait = self._fixation() * (0.6 if glance else 1.0)
        yaw, pitch = self._at(self._age)
        return float(yaw), float(pitch)

    def _at(self, age: float) -> np.ndarray:
        t = min(age / SACCADE_SECONDS, 1.0)
        return self._from + (self._to - self._from) * (t * t * (3.0 - 2.0 * t))
