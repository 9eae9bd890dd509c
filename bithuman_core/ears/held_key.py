"""Push to talk: a turn is what is heard while a key is down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bithuman_core.timing import SAMPLE_RATE

LONGEST = 30.0  # s: of what is said longer the end is taken


class HeldKey:
    """One key, up at first."""

    def __init__(self) -> None:
        self._turn: list[NDArray[np.int16]] | None = None

    def press(self) -> None:
        """It goes down: the turn begins, one that was begun begins anew."""
        self._turn = []

    def hear(self, samples: NDArray[np.int16]) -> None:
        """Sound of the microphone, int16 [n] at 16 kHz; lost while the key is up."""
        if self._turn is None:
            return
        self._turn.append(samples)
        while sum(piece.size for piece in self._turn) > LONGEST * SAMPLE_RATE:
            self._turn.pop(0)

    def let_go(self) -> NDArray[np.int16] | None:
        """It goes up: the turn's sound, int16 [n]; None where it was up."""
        turn, self._turn = self._turn, None
        return None if turn is None else np.concatenate([np.zeros(0, np.int16), *turn])
