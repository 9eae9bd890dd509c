"""Samples in by the chunk, out by the count."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray


class SampleFifo:
    """int16 samples in the order they came. Keeps its own copy of what is pushed. Not thread-safe."""

    def __init__(self) -> None:
        self._chunks: deque[NDArray[np.int16]] = deque()
        self.size = 0  # samples waiting

    def push(self, samples: NDArray[np.int16]) -> None:
        """Append samples, int16 [n]."""
        if samples.size:
            self._chunks.append(samples.copy())
            self.size += samples.size

    def pop(self, count: int) -> NDArray[np.int16]:
        """Take the oldest samples, int16 [count]; ``count`` is at most ``size`` (IndexError)."""
        parts: list[NDArray[np.int16]] = [np.zeros(0, np.int16)]
        missing = count
        while missing > 0:
            chunk = self._chunks.popleft()
            if chunk.size > missing:
                self._chunks.appendleft(chunk[missing:])
                chunk = chunk[:missing]
            parts.append(chunk)
            missing -= chunk.size
            self.size -= chunk.size
        return np.concatenate(parts)
