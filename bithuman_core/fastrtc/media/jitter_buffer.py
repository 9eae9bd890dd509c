"""The microphone's jitter buffer: packets of any size in, ticks of 640 samples out, with as little standing delay as holds.

A margin of audio is kept so that a late packet does not tear a hole into the speech. Every hole widens the margin, quiet
minutes narrow it again, and audio that waits longer than the margin is skipped in a pause (adaptive playout, as in
Ramjee, Kurose, Towsley, Schulzrinne 1994, "Adaptive playout mechanisms for packetized audio").
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio.fifo import SampleFifo
from bithuman_core.timing import FPS, SAMPLE_RATE, SAMPLES_PER_TICK

PACKET = SAMPLE_RATE // 50  # 320 samples: browsers send 20 ms at a time
MIN_MARGIN = PACKET
MAX_MARGIN = 4 * PACKET  # 80 ms
MARGIN_STEP = PACKET // 2  # 10 ms
WINDOW = FPS  # ticks: how long audio must have been waiting to count as a standing backlog
CALM_TICKS = 20 * FPS  # ticks without a hole after which the margin is narrowed
QUIET_PEAK = 400  # int16 counts, about -38 dBFS: below this a cut is not heard
MAX_BACKLOG = 8 * PACKET  # 160 ms: beyond this audio is skipped in speech, too


class MicrophoneJitterBuffer:
    """int16 samples at 16 kHz in, whole ticks out. Not thread-safe: one event loop uses it."""

    def __init__(self) -> None:
        self._waiting = SampleFifo()
        self._flowing = False
        self._margin = MIN_MARGIN
        self._calm = 0
        self._lows: deque[int] = deque(maxlen=WINDOW)

    @property
    def backlog(self) -> int:
        """Samples that wait."""
        return self._waiting.size

    @property
    def margin(self) -> int:
        """Samples kept as a reserve against late packets."""
        return self._margin

    def push(self, samples: NDArray[np.int16]) -> None:
        """Append samples, int16 [n]."""
        self._waiting.push(samples)

    def take(self) -> NDArray[np.int16] | None:
        """The next tick, int16 [640], or None while too little has arrived (the speaker hears silence meanwhile)."""
        if not self._flowing:
            if self._waiting.size < SAMPLES_PER_TICK + self._margin:
                return None
            self._waiting.pop(self._waiting.size - SAMPLES_PER_TICK - self._margin)
            self._flowing = True
        elif self._waiting.size < SAMPLES_PER_TICK:
            self._flowing = False
            self._margin = min(self._margin + MARGIN_STEP, MAX_MARGIN)
            self._calm = 0
            self._lows.clear()
            return None
        tick = self._waiting.pop(SAMPLES_PER_TICK)
        self._watch(tick)
        return tick

    def _watch(self, tick: NDArray[np.int16]) -> None:
        """Skip what has been waiting for a whole window, and narrow the margin after a calm while."""
        self._calm += 1
        if self._calm >= CALM_TICKS:
            self._margin = max(self._margin - MARGIN_STEP, MIN_MARGIN)
            self._calm = 0
        self._lows.append(self._waiting.size)
        if len(self._lows) < WINDOW:
            return
        standing = min(self._lows) - self._margin
        if standing <= 0:
            return
        if is_quiet(tick) or self._waiting.size > MAX_BACKLOG:
            self._waiting.pop(standing)
            self._lows.clear()


def is_quiet(samples: NDArray[np.int16]) -> bool:
    """Whether a cut here would not be heard; int16 [n]."""
    return bool(samples.max() < QUIET_PEAK and samples.min() > -QUIET_PEAK)
