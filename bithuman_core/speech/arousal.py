"""How aroused a voice is, from calm to excited, by its brightness against the speaker's own habit.

Vocal effort and tension flatten the spectrum of the voice (Scherer 2003); the balance of the bands below and above 900 Hz needs
neither the loudness, which a microphone's gain hides, nor the words. Berlin Database of Emotional Speech, every speaker heard
from an unknown voice on: see ``benchmarks/lips.py``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio.mel import DB_PER_UNIT
from bithuman_core.timing import TICK_SECONDS

DARK, BRIGHT = slice(0, 14), slice(14, 28)  # mel bands: 60..900 Hz and 900..2130 Hz
MEAN, DEVIATION = 12.7, 11.4  # dB by which the dark bands are stronger, over the voices of EmoDB
PRIOR_SECONDS, MEMORY_SECONDS = 10.0, 60.0  # what the mean of all voices counts for; how long a speaker is remembered
SMOOTHING_SECONDS = 1.0
QUIET_SECONDS = 3.0  # in which a silent voice goes back to the usual
LOUDEST = 20.0  # dB below the speech level in which a tick still counts
SPEAKING = 0.5  # voice activity from which a tick counts as speech
USUAL = 0.4


class Arousal:
    """Follows one voice tick by tick; causal, constant memory. ``value`` is 0..1, :data:`USUAL` for the speaker's habit."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the speaker."""
        self._mean, self._known, self._away = MEAN, PRIOR_SECONDS, 0.0
        self.value = USUAL

    def push(self, mel: NDArray[np.float32], voice: float) -> float:
        """One tick: features float32 [4, bands] of :class:`LogMelStream` and the voice activity 0..1; returns ``value``."""
        power = np.power(10.0, mel * (DB_PER_UNIT / 10.0)).sum(axis=0)
        if voice >= SPEAKING and 10.0 * math.log10(float(power.sum()) / len(mel)) > -LOUDEST:
            slope = 10.0 * math.log10(float(power[DARK].sum()) / float(power[BRIGHT].sum()))
            self._away += TICK_SECONDS / SMOOTHING_SECONDS * ((self._mean - slope) / DEVIATION - self._away)
            self._known = min(self._known + TICK_SECONDS, MEMORY_SECONDS)
            self._mean += TICK_SECONDS / self._known * (slope - self._mean)
        else:
            self._away -= TICK_SECONDS / QUIET_SECONDS * self._away
        self.value = 1.0 / (1.0 + (1.0 / USUAL - 1.0) * math.exp(-1.6 * self._away))
        return self.value
