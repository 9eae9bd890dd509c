"""Push to talk: a turn is what is heard while a key is down."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from bithuman_core.timing import SAMPLE_RATE

LONGEST = 30.0  # s: of what is said longer the end is taken


class HeldKey:
    """One key, up at first."""

    def __init__(self) -> None:
        self._turn: deque[NDArray[np.int16]] | None = None
        self._size = 0  # samples

    def press(self) -> None:
        """It goes down: the turn begins, one that was begun begins anew."""
        self._turn, self._size = deque(), 0

    def hear(self, samples: NDArray[np.int16]) -> None:
        """Sound of the microphone, int16 [n] at 16 kHz; lost while the key is up."""
        if self._turn is None:
            return
        self._turn.append(samples)
        self._size += samples.size
        while self._size > LONGEST * SAMPLE_RATE:
            self._size -= self._turn.popleft().size

    def let_go(self) -> NDArray[np.int16] | None:
        """It goes up: the turn's sound, int16 [n]; None where it was up."""
        turn, self._turn = self._turn, None
        return None if turn is None else np.concatenate([np.zeros(0, np.int16), *turn])
