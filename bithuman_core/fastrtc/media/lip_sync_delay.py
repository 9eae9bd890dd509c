"""The avatar's voice on its way out: a little later than its picture is made, for a picture takes longer to arrive."""

from __future__ import annotations

import av
import numpy as np
from numpy.typing import NDArray

from bithuman_core.timing import FPS, SAMPLE_RATE, SAMPLES_PER_TICK

# The picture of a tick is encoded, decoded and waits for the screen's next refresh. So much later it appears in Chromium than
# its sound (benchmarks/browser.py), and so long the sound is held back.
LAG_SECONDS = 0.015
VOICE_RATE = 48_000  # Hz, what aiortc's own tracks carry
VOICE_SAMPLES_PER_TICK = VOICE_RATE // FPS  # 1920
SILENCE = np.zeros(SAMPLES_PER_TICK, np.int16)


class LipSyncDelay:
    """int16 [640] in, int16 [640] out, tick by tick without a seam, LAG_SECONDS late."""

    def __init__(self) -> None:
        self._held = np.zeros(round(LAG_SECONDS * SAMPLE_RATE), np.int16)

    def push(self, samples: NDArray[np.int16] | None) -> NDArray[np.int16]:
        """One tick; None is silence."""
        voice = np.concatenate([self._held, SILENCE if samples is None else samples])
        self._held = voice[SAMPLES_PER_TICK:]
        return voice[:SAMPLES_PER_TICK]


class UpsampledVoice:
    """The same at 48 kHz: int16 [1920] out."""

    def __init__(self) -> None:
        self._voice = LipSyncDelay()
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=VOICE_RATE)
        self._held: NDArray[np.int16] | None = None

    def push(self, samples: NDArray[np.int16] | None) -> NDArray[np.int16]:
        """One tick; None is silence."""
        frame = av.AudioFrame.from_ndarray(self._voice.push(samples).reshape(1, -1), "s16", "mono")
        frame.sample_rate = SAMPLE_RATE
        voice = np.concatenate([f.to_ndarray()[0] for f in self._resampler.resample(frame)])
        if self._held is None:  # the filter keeps its first samples (1 ms) back; silence before them makes every tick whole
            self._held = np.zeros(VOICE_SAMPLES_PER_TICK - voice.size, np.int16)
        voice = np.concatenate([self._held, voice])
        self._held = voice[VOICE_SAMPLES_PER_TICK:]
        return voice[:VOICE_SAMPLES_PER_TICK]
