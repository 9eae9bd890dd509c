"""The avatar's voice on its way out: 16 kHz ticks to the 48 kHz that WebRTC speaks."""

from __future__ import annotations

import av
import numpy as np
from numpy.typing import NDArray

from bithuman_core.timing import FPS, SAMPLE_RATE, SAMPLES_PER_TICK

VOICE_RATE = 48_000  # Hz, Opus's own rate
VOICE_SAMPLES_PER_TICK = VOICE_RATE // FPS  # 1920
# The picture of a tick is encoded, decoded and waits for the screen's next refresh. So much later it appears in Chromium than
# its sound (benchmarks/browser.py), and so long the sound is held back.
VOICE_LAG = VOICE_RATE * 15 // 1000
SILENCE = np.zeros(SAMPLES_PER_TICK, np.int16)


class VoiceUpsampler:
    """int16 [640] at 16 kHz in, int16 [1920] at 48 kHz out, tick by tick without a seam, VOICE_LAG late."""

    def __init__(self) -> None:
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=VOICE_RATE)
        self._held: NDArray[np.int16] | None = None

    def push(self, samples: NDArray[np.int16] | None) -> NDArray[np.int16]:
        """One tick; None is silence."""
        frame = av.AudioFrame.from_ndarray((SILENCE if samples is None else samples).reshape(1, -1), "s16", "mono")
        frame.sample_rate = SAMPLE_RATE
        voice = np.concatenate([f.to_ndarray()[0] for f in self._resampler.resample(frame)])
        if self._held is None:  # the filter keeps its first samples (1 ms) back; silence before them makes every tick whole
            self._held = np.zeros(VOICE_LAG + VOICE_SAMPLES_PER_TICK - voice.size, np.int16)
        voice = np.concatenate([self._held, voice])
        self._held = voice[VOICE_SAMPLES_PER_TICK:]
        return voice[:VOICE_SAMPLES_PER_TICK]
