"""Sound that may still be growing while it is played."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bithuman_core.timing import SAMPLE_RATE


class Sound:
    """Sound at 16 kHz, whole or still growing: one thread appends to it, others read."""

    def __init__(self, samples: NDArray[np.int16] | None = None) -> None:
        """``samples``: all of it, int16 [n]; None: it grows."""
        self.samples: NDArray[np.int16] = np.zeros(0, np.int16) if samples is None else samples
        self.whole = samples is not None

    def append(self, samples: NDArray[np.int16]) -> None:
        """More of it, int16 [n]."""
        self.samples = np.concatenate([self.samples, samples])

    def end(self) -> None:
        """No more is to come."""
        self.whole = True

    @property
    def seconds(self) -> float:
        """How much there is."""
        return self.samples.size / SAMPLE_RATE
