"""Blinks: when they come and how the lids move."""

from __future__ import annotations

import math

import numpy as np

from bithuman_core.timing import TICK_SECONDS

CLOSE_SECONDS = 0.09  # lids fall about twice as fast as they rise
OPEN_SECONDS = 0.19
MEDIAN_INTERVAL = 3.3  # seconds; log-normal, as measured intervals of people at rest are
INTERVAL_SIGMA = 0.42
SHORTEST, LONGEST = 1.8, 7.0  # seconds
LATELY = 1.2  # s; so soon after a blink a good moment is let pass
SPEAKING_HURRY = 1.25  # talkers blink more (Bentivoglio et al. 1997: 26 against 17 a minute)
DOUBLE_CHANCE = 0.1
PHRASE_END_CHANCE = 0.5  # people tend to blink where a phrase ends
PACE = (0.9, 1.12)  # each blink is a little quicker or slower
DEPTH = (0.86, 1.0)  # and not always quite shut


class Blinks:
    """The lid closure of both eyes over time, seeded."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._age = math.inf  # seconds since the running blink began
        self._pace = self._depth = 1.0
        self._wait = self._interval() * float(rng.uniform(0.3, 1.0))

    def _interval(self) -> float:
        seconds = MEDIAN_INTERVAL * math.exp(INTERVAL_SIGMA * self._rng.standard_normal())
        return min(max(seconds, SHORTEST), LONGEST)

    def soon(self, chance: float, within: float) -> None:
        """A good moment for a blink (a phrase ends, the gaze shifts): with this chance one begins within so many seconds."""
        if self._rng.uniform() < chance and self._age > LATELY:
            self._wait = min(self._wait, float(self._rng.uniform(0.0, within)))

    def next(self, speaking: float = 0.0) -> float:
        """Lid closure at the next tick, 0 (open) to 1 (shut). speaking 0..1 hurries the next blink."""
        self._age += TICK_SECONDS * self._pace
        self._wait -= TICK_SECONDS * (1.0 + (SPEAKING_HURRY - 1.0) * speaking)
        if self._wait <= 0.0:
            self._age = float(self._rng.uniform(0.2, 0.8)) * TICK_SECONDS  # begun between two ticks
            self._pace, self._depth = float(self._rng.uniform(*PACE)), float(self._rng.uniform(*DEPTH))
            double = self._rng.uniform() < DOUBLE_CHANCE
            self._wait = CLOSE_SECONDS + OPEN_SECONDS + 0.1 if double else self._interval()
        return self._depth * closure(self._age)


def closure(age: float) -> float:
    """Lid closure 0..1 at ``age`` seconds after a blink began."""
    if age < CLOSE_SECONDS:
        return math.sin(0.5 * math.pi * age / CLOSE_SECONDS) ** 2
    opening = (age - CLOSE_SECONDS) / OPEN_SECONDS
    return math.cos(0.5 * math.pi * opening) ** 2 if opening < 1.0 else 0.0
