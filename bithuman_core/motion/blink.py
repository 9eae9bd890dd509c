"""Blinks: when they come and how the lids move."""

from __future__ import annotations

import math

import numpy as np

from bithuman_core.timing import TICK_SECONDS

CLOSE_SECONDS = 0.09  # lids fall about twice as fast as they rise
OPEN_SECONDS = 0.19
MEDIAN_INTERVAL = 3.3  # seconds; log-normal, as measured intervals of people at rest are
INTERVAL_SIGMA = 0.45
SHORTEST, LONGEST = 1.6, 7.0  # seconds
DOUBLE_CHANCE = 0.12
PHRASE_END_CHANCE = 0.35  # people tend to blink where a phrase ends


class Blinks:
    """The lid closure of both eyes over time, seeded."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._age = math.inf  # seconds since the running blink began
        self._wait = self._interval() * float(rng.uniform(0.3, 1.0))

    def _interval(self) -> float:
        seconds = MEDIAN_INTERVAL * math.exp(INTERVAL_SIGMA * self._rng.standard_normal())
        return min(max(seconds, SHORTEST), LONGEST)

    def phrase_ended(self) -> None:
        """Tell that a phrase of the speech has just ended: a blink may come earlier."""
        if self._rng.uniform() < PHRASE_END_CHANCE and self._age > SHORTEST:
            self._wait = min(self._wait, float(self._rng.uniform(0.0, 0.25)))

    def next(self) -> float:
        """Lid closure at the next tick, 0 (open) to 1 (shut)."""
        self._age += TICK_SECONDS
        self._wait -= TICK_SECONDS
        if self._wait <= 0.0:
            self._age = 0.5 * TICK_SECONDS  # begun between two ticks
            double = self._rng.uniform() < DOUBLE_CHANCE
            self._wait = CLOSE_SECONDS + OPEN_SECONDS + 0.1 if double else self._interval()
        return closure(self._age)


def closure(age: float) -> float:
    """Lid closure 0..1 at ``age`` seconds after a blink began."""
    if age < CLOSE_SECONDS:
        return math.sin(0.5 * math.pi * age / CLOSE_SECONDS) ** 2
    opening = (age - CLOSE_SECONDS) / OPEN_SECONDS
    return math.cos(0.5 * math.pi * opening) ** 2 if opening < 1.0 else 0.0
