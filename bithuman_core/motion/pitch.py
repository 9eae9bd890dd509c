"""The pitch of the voice (f0), tick by tick: normalised square difference (McLeod and Wyvill 2005)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bithuman_core.timing import SAMPLE_RATE, SAMPLES_PER_TICK

DECIMATION = 4  # 4 kHz hold every f0 of speech
RATE = SAMPLE_RATE // DECIMATION
WINDOW = 256  # samples at that rate: 64 ms, two periods of the lowest voice and more
LOWEST, HIGHEST = 65.0, 420.0  # Hz
SHORTEST, LONGEST = int(RATE / HIGHEST), int(RATE / LOWEST) + 1  # lags
CLEAR = 0.6  # of the normalised difference's peak, 1 for an exact period: below, the tick counts as unvoiced
FIRST_SHARE = 0.88  # the first peak so near the highest is the period, the later ones its multiples
QUIET = 1e-7  # mean power below which nothing is looked for (-70 dB)
JUMP = 0.6  # octaves: a tick that leaves the last one farther is believed only when the next one agrees


class PitchTracker:
    """Fundamental frequency of the last 64 ms of a voice. Causal, some 50 us a tick."""

    def __init__(self) -> None:
        self._heard = np.zeros(WINDOW, np.float32)
        self._ahead = np.zeros(WINDOW + LONGEST + 1, np.float32)  # the same without its mean, and nothing behind it
        self._last = self._doubted = 0.0

    def reset(self) -> None:
        """Forget what was heard."""
        self._heard[:] = 0.0
        self._last = self._doubted = 0.0

    def push(self, samples: NDArray[np.float32]) -> float:
        """Take one tick (float32 [640] at 16 kHz, -1..1) and return f0 in Hz, 0 where it is unvoiced."""
        fresh = SAMPLES_PER_TICK // DECIMATION
        self._heard[:-fresh] = self._heard[fresh:]
        self._heard[-fresh:] = samples.reshape(-1, DECIMATION).mean(axis=1)
        found = self._find()
        steady = not self._last or not found or abs(math.log2(found / self._last)) < JUMP
        agreed = bool(self._doubted and found) and abs(math.log2(found / self._doubted)) < JUMP
        if steady or agreed:
            self._last, self._doubted = found, 0.0
            return found
        self._doubted = found
        return 0.0

    def _find(self) -> float:
        x = self._ahead[:WINDOW]
        np.subtract(self._heard, self._heard.mean(), out=x)
        square = x.astype(np.float64) ** 2
        if square.mean() < QUIET:
            return 0.0
        product = np.correlate(self._ahead, x)  # by lag, 0 to LONGEST + 1: so few are done sooner than a transform
        total = np.cumsum(square)
        likeness = 2.0 * product
        likeness[0] /= 2.0 * total[-1]
        likeness[1:] /= total[-2 : -LONGEST - 3 : -1] + total[-1] - total[: LONGEST + 1]
        inner = likeness[SHORTEST : LONGEST + 1]
        peaks = np.flatnonzero((inner > likeness[SHORTEST - 1 : LONGEST]) & (inner >= likeness[SHORTEST + 1 : LONGEST + 2]))
        if peaks.size == 0 or inner[peaks].max() < CLEAR:
            return 0.0
        k = int(peaks[np.argmax(inner[peaks] >= FIRST_SHARE * inner[peaks].max())]) + SHORTEST
        before, at, after = likeness[k - 1 : k + 2]
        bend = before - 2.0 * at + after
        return RATE / (k + (0.5 * (before - after) / bend if bend < 0.0 else 0.0))
