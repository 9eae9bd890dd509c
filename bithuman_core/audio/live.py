"""A live microphone's standing delay: sound that waits for ever because two clocks differ or because something once stalled."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from bithuman_core.timing import FPS, SAMPLES_PER_TICK

LIVE_TICKS = 30 * FPS  # a stream that came at the pace of its own playback for this long is a live one, not a file or a TTS
LIVE_LEAD = 25 * SAMPLES_PER_TICK  # samples: a live stream never waits with more (a second)
LOOK_TICKS = 4 * FPS  # what was waiting at every tick of this long waits for nothing
RESERVE = 160  # samples (10 ms) that may wait
QUIET_RATIO = 2.0  # against the quietest tick of the same time (6 dB)
QUIET_FLOOR = 33.0  # int16 root mean square (-60 dB) that is quiet anyway


class LiveTrim:
    """Says how much of a quiet tick of a live stream may be left out, because as much has been waiting for nothing.

    Sound that is pushed faster than it plays, or whose utterance ends within 30 s, is never touched.
    """

    def __init__(self) -> None:
        self._age = 0
        self._waiting: deque[int] = deque(maxlen=LOOK_TICKS)
        self._levels: deque[float] = deque(maxlen=LOOK_TICKS)

    def superfluous(self, samples: NDArray[np.int16], waiting: int) -> int:
        """How many samples of this tick (int16 [640]) may be dropped. waiting: samples behind it in the queue."""
        if waiting > LIVE_LEAD:
            self._age = 0
        self._age += 1
        self._waiting.append(waiting)
        level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float32))))
        self._levels.append(level)
        if self._age < LIVE_TICKS or len(self._waiting) < LOOK_TICKS:
            return 0
        standing = min(min(self._waiting) - RESERVE, samples.size)
        if standing <= 0 or level > max(QUIET_RATIO * min(self._levels), QUIET_FLOOR):
            return 0
        self._waiting.clear()
        return standing
