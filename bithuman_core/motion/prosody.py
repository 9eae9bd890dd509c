"""What the sound of the speech does to the head and brows: stress lifts and nods, a phrase end settles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bithuman_core.timing import TICK_SECONDS

FLOOR_DB = -50.0  # quieter than this is silence
SLOW_SECONDS = 1.2  # the running level that stress stands out from
FAST_SECONDS = 0.12
PHRASE_END_SECONDS = 0.24  # this long without voice ends a phrase


def level_db(samples: NDArray[np.float32]) -> float:
    """Root mean square level of samples (-1..1) in dB of full scale, not below -50."""
    power = float(np.dot(samples, samples)) / max(samples.size, 1)
    return max(10.0 * np.log10(power + 1e-12), FLOOR_DB)


class Prosody:
    """Follows level and voice activity of the speech tick by tick.

    After :meth:`push`: ``speaking`` 0..1 (smooth), ``stress`` about -1..1 (level against its running mean, 8 dB = 1, smooth),
    ``phrase_ended`` (true for one tick).
    """

    def __init__(self) -> None:
        self.speaking = 0.0
        self.stress = 0.0
        self.phrase_ended = False
        self._mean = FLOOR_DB + 25.0
        self._quiet = np.inf

    def push(self, samples: NDArray[np.float32], voice: float) -> None:
        """Take one tick of samples (-1..1) and its voice activity 0..1."""
        active = float(voice > 0.5)
        self.speaking += (active - self.speaking) * TICK_SECONDS / (0.15 if active else 0.5)
        level = level_db(samples)
        if active:
            self._mean += (level - self._mean) * TICK_SECONDS / SLOW_SECONDS
        target = active * float(np.clip((level - self._mean) / 8.0, -1.0, 1.0))
        self.stress += (target - self.stress) * TICK_SECONDS / FAST_SECONDS
        quiet = 0.0 if active else self._quiet + TICK_SECONDS
        self.phrase_ended = self._quiet < PHRASE_END_SECONDS <= quiet
        self._quiet = quiet
