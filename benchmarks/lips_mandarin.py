"""Our lips beside a captured Mandarin speaker's (FACEGOOD-Audio2Face). Take 2_04 is held out of the training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.speech.real import FACEGOOD_FPS, FACEGOOD_TAKES, captured_mouth

Samples = NDArray[np.float32]
FPS, TICK = 25, 640
SHUT = 0.02  # interocular distances


def capture(folder: Path, gaps: Callable[[Samples], Samples]) -> dict[str, dict[str, float]]:
    """By take: how our lip gap follows the captured opening (``mouth_stretch_c``, 0..1), and that opening where ours is shut.

    ``r`` is Pearson's without lag; ``r 40 ms early`` compares with the captured frame 40 ms later; ``loudness r`` is a loudness
    flap's, without lag. The capture has no channel of lip contact (its press channels hardly move).
    """
    scores: dict[str, dict[str, float]] = {}
    for take in FACEGOOD_TAKES:
        sound, captured = captured_mouth(folder, take)
        samples = (sound / 32768.0).astype(np.float32)
        ours = gaps(samples)
        seconds = (np.arange(len(ours)) + 0.5) / FPS
        real = np.interp(seconds, (np.arange(len(captured)) + 0.5) / FACEGOOD_FPS, captured)
        level = np.sqrt(np.square(samples[: len(ours) * TICK].reshape(-1, TICK)).mean(1))
        flap = np.minimum(level / np.quantile(level, 0.97), 1)
        scores[take] = {
            "r": _r(real, ours), "r 40 ms early": _r(real[1:], ours[:-1]), "loudness r": _r(real, flap),
            "opening, ours shut": float(real[ours <= SHUT].mean()), "opening, ours open": float(real[ours > SHUT].mean()),
        }  # fmt: skip
    return scores


def _r(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return float(np.corrcoef(a, b)[0, 1])
