"""Breathing: quick in, slow out, a pause; and with speech a short breath between phrases, spent while talking."""

from __future__ import annotations

import numpy as np

from bithuman_core.motion.spring import Spring
from bithuman_core.timing import TICK_SECONDS

# Quiet breathing of adults: 12-18 a minute, about 2 s out for every 1.3 s in, and a pause (Tobin et al. 1983).
INHALE, EXHALE = 1.35, 2.0  # s
PAUSE = (0.3, 1.1)  # s
VARIATION = 0.13  # standard deviation of each breath's times, as a share
DEPTH = (0.55, 0.95)  # how full the lungs get in quiet breathing
SIGH_CHANCE, SIGH_DEPTH, SIGH_SLOWER = 0.04, 1.0, 1.4
SPEECH_INHALE, SPEECH_DEPTH = 0.5, 0.85  # talkers take quick, deep breaths in their pauses (Hixon 1973) ...
SPEECH_EXHALE = 4.5  # s ... and spend them slowly
EMPTY = 0.08
SOFTNESS = 0.5  # s in which the chest follows the muscles
DEEP_ENOUGH = 0.55  # with lungs fuller than this a talker does not take another breath


class Breath:
    """How full the lungs are over time, 0..1, seeded."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._muscles, self._goal, self._rate = float(rng.uniform(0.1, 0.6)), 0.0, 1.0 / EXHALE
        self._chest = Spring([self._muscles], SOFTNESS)
        self._pause = 0.0
        self._talking = False

    def _go(self, goal: float, seconds: float) -> None:
        seconds *= float(np.exp(VARIATION * self._rng.standard_normal()))
        self._goal, self._rate = goal, abs(goal - self._muscles) / seconds

    def phrase_began(self) -> None:
        """The speech begins: what is in the lungs is now spent on it."""
        self._talking = True
        self._go(EMPTY, SPEECH_EXHALE)

    def phrase_ended(self) -> None:
        """The speech pauses: a quick breath, unless the lungs are still full."""
        self._talking = False
        if self._muscles < DEEP_ENOUGH:
            self._go(SPEECH_DEPTH, SPEECH_INHALE)

    def next(self) -> float:
        """How full the lungs are at the next tick, 0..1."""
        if self._muscles == self._goal and not self._talking:
            self._pause -= TICK_SECONDS
            if self._goal > 0.0:
                self._pause = float(self._rng.uniform(*PAUSE))
                self._go(0.0, EXHALE)
            elif self._pause <= 0.0:
                sigh = self._rng.uniform() < SIGH_CHANCE
                self._go(SIGH_DEPTH if sigh else float(self._rng.uniform(*DEPTH)), INHALE * (SIGH_SLOWER if sigh else 1.0))
        step = self._rate * TICK_SECONDS
        self._muscles += min(max(self._goal - self._muscles, -step), step)
        if abs(self._goal - self._muscles) < 1e-6:
            self._muscles = self._goal
        return float(self._chest.next(np.array([self._muscles]))[0])
