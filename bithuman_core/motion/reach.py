"""Minimum-jerk reaches: how heads and limbs go from one rest to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bithuman_core.timing import TICK_SECONDS

# Coefficients of t^3, t^4, t^5 of the quintic that meets (position, speed, acceleration) left over at the end of a unit time:
# the minimum-jerk path between any two states (Flash and Hogan 1985).
_QUINTIC = np.array([[10.0, -4.0, 0.5], [-15.0, 7.0, -1.0], [6.0, -3.0, 0.5]])


class Reach:
    """A vector that reaches one goal after the other on minimum-jerk paths.

    A new goal may come at any time: position, speed and acceleration go on without a jump.
    """

    def __init__(self, start: ArrayLike) -> None:
        self._path = np.zeros((6, np.size(start)))  # polynomial in time since the reach began, over its duration
        self._path[0] = start
        self._goal = np.array(start, np.float64)
        self._age = self._seconds = 1.0

    @property
    def resting(self) -> bool:
        """Whether the goal is reached."""
        return self._age >= self._seconds

    def go(self, goal: ArrayLike, seconds: float) -> None:
        """Reach a goal (as many values as at the start) in so many seconds, and rest there."""
        self._goal = np.array(goal, np.float64)
        at, speed, acceleration = self._state()
        speed, acceleration = speed * seconds, acceleration * seconds**2  # per duration
        end = np.stack([self._goal - at - speed - acceleration / 2, -speed - acceleration, -acceleration])
        self._path = np.vstack([at, speed, acceleration / 2, _QUINTIC @ end])
        self._age, self._seconds = 0.0, seconds

    def next(self) -> NDArray[np.float64]:
        """The values at the next tick, float64 [n]."""
        if self.resting:
            return self._goal
        self._age += TICK_SECONDS
        t = min(self._age / self._seconds, 1.0)
        return np.array([1.0, t, t**2, t**3, t**4, t**5]) @ self._path

    def _state(self) -> NDArray[np.float64]:
        t = min(self._age / self._seconds, 1.0)
        powers = np.array([
            [1.0, t, t**2, t**3, t**4, t**5],
            [0.0, 1.0, 2 * t, 3 * t**2, 4 * t**3, 5 * t**4],
            [0.0, 0.0, 2.0, 6 * t, 12 * t**2, 20 * t**3],
        ])  # fmt: skip
        return (powers @ self._path) / np.array([[1.0], [self._seconds], [self._seconds**2]])
