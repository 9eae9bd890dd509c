"""Speech made whisper: the vocal tract stays, noise takes the place of the voice (linear prediction, frame by frame)."""

from __future__ import annotations

import librosa
import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

RATE = 16_000  # Hz
FRAME, HOP, ORDER = 400, 160, 18  # samples, samples, poles


def whispered(samples: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """``samples`` (16 kHz, -1..1) without a voice, as long as before; frames keep their energy."""
    rng = np.random.default_rng(seed)
    window = np.hanning(FRAME)
    out, weight = np.zeros(len(samples) + FRAME), np.full(len(samples) + FRAME, 1e-6)
    for start in range(0, len(samples) - FRAME, HOP):
        frame = samples[start : start + FRAME] * window
        energy = float(np.sqrt(np.mean(np.square(frame))))
        if energy > 1e-4:
            tract = librosa.lpc(frame.astype(np.float64) + 1e-6 * rng.standard_normal(FRAME), order=ORDER)
            made = lfilter([1.0], tract, rng.standard_normal(FRAME)) * window
            out[start : start + FRAME] += made * energy / np.sqrt(np.mean(np.square(made)))
        weight[start : start + FRAME] += window**2
    made = out[: len(samples)] / np.sqrt(np.maximum(weight[: len(samples)], 0.1))
    return (made * min(1.0, 0.95 / float(np.abs(made).max() + 1e-9))).astype(np.float32)
