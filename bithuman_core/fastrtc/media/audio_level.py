"""The level of sent sound that every packet tells (RFC 6465, appendix A)."""

from __future__ import annotations

import math

import av
import numpy as np

QUIETEST = -127  # dBov, the lowest level that a packet can tell


def audio_level_dbov(frame: av.AudioFrame) -> int:
    """Level of a packed 16-bit frame against full scale, -127 to 0 dB: aiortc's own, which adds up its samples in Python and
    thereby holds the event loop for a quarter of a millisecond a packet."""
    samples = np.frombuffer(bytes(frame.planes[0]), np.int16).astype(np.float64)
    power = float(samples @ samples) / (frame.samples * 32767.0**2)
    return QUIETEST if power <= 0 else round(min(max(10 * math.log10(power), QUIETEST), 0))
