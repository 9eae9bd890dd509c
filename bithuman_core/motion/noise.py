"""Smooth random motion: band-limited, seeded, never repeating."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bithuman_core.timing import TICK_SECONDS


class SmoothNoise:
    """Independent smooth random curves, about -1..1 (standard deviation near .5), one step a tick.

    Random knots every ``period`` seconds are joined by uniform cubic B-splines (C2: no visible corner in position or speed).
    """

    def __init__(self, rng: np.random.Generator, channels: int, period: float) -> None:
        self._rng = rng
        self._step = TICK_SECONDS / period
        self._phase = float(rng.uniform())
        self._knots = rng.uniform(-1.5, 1.5, (4, channels))  # the B-spline averages, hence beyond 1

    def next(self) -> NDArray[np.float64]:
        """The value of every curve at the next tick, float64 [channels]."""
        self._phase += self._step
        while self._phase >= 1.0:
            self._phase -= 1.0
            self._knots = np.roll(self._knots, -1, axis=0)
            self._knots[3] = self._rng.uniform(-1.5, 1.5, self._knots.shape[1])
        t = self._phase
        weights = np.array([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6.0
        return weights @ self._knots
