"""A critically damped spring: follows a goal that changes at any time, without overshoot and without a jump in speed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bithuman_core.timing import TICK_SECONDS

SETTLED = 4.8  # rate times time at which 95 % of a step is done: (1 + x) exp(-x) = .05


class Spring:
    """A vector on a critically damped spring, exact for goals that hold over each tick.

    ``settle`` is the time in seconds in which it has gone 95 % of the way to a new goal.
    """

    def __init__(self, start: ArrayLike, settle: float) -> None:
        self.shown = np.array(start, np.float64)
        self._speed = np.zeros_like(self.shown)
        self._rate = SETTLED / settle
        self._decay = math.exp(-self._rate * TICK_SECONDS)

    def next(self, goal: NDArray[np.floating]) -> NDArray[np.float64]:
        """The values at the next tick, float64 like the start."""
        offset = self.shown - goal
        pull = self._speed + self._rate * offset
        self.shown = goal + (offset + pull * TICK_SECONDS) * self._decay
        self._speed = (self._speed - self._rate * pull * TICK_SECONDS) * self._decay
        return self.shown
