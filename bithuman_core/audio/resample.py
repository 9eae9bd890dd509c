"""Changing the sampling rate, in one go (soxr) or as a stream."""

from __future__ import annotations

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from bithuman_core.audio.polyphase import Polyphase
from bithuman_core.pcm import check_rate, float32_to_int16, int16_to_float32
from bithuman_core.timing import SAMPLE_RATE

_QUALITY = "HQ"


def resample(samples: NDArray[Any], rate_in: int, rate_out: int) -> NDArray[np.float32]:
    """Float samples [n] at ``rate_in`` Hz to float32 samples at ``rate_out`` Hz. Raises AudioError for a bad rate."""
    samples = np.asarray(samples, np.float32)
    if check_rate(rate_in) == check_rate(rate_out) or not samples.size:
        return samples
    return soxr.resample(samples, rate_in, rate_out, quality=_QUALITY)


class StreamResampler:
    """int16 mono at any rate in, int16 mono at another rate out, chunk by chunk; equal rates pass through untouched.

    The samples that come out do not depend on how the input was cut into chunks. Until :meth:`finish`, 2 ms of sound (4 ms of
    8 kHz) stay inside the filter.
    """

    def __init__(self, rate_in: int, rate_out: int = SAMPLE_RATE) -> None:
        self.rate_in, self.rate_out = check_rate(rate_in), check_rate(rate_out)
        self._stream: Polyphase | None = None
        self._open()

    def _open(self) -> None:
        if self.rate_in != self.rate_out:
            self._stream = Polyphase(self.rate_in, self.rate_out)

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Take samples at ``rate_in``, return those that are ready at ``rate_out``."""
        if self._stream is None:
            return samples
        return float32_to_int16(self._stream.push(int16_to_float32(samples)))

    def finish(self) -> NDArray[np.int16]:
        """The samples still inside the filter; afterwards a new stream begins."""
        if self._stream is None:
            return np.zeros(0, np.int16)
        rest = self._stream.finish()
        self._open()
        return float32_to_int16(rest)
