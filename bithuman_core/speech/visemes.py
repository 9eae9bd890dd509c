"""The 15 common visemes (the Oculus / OVR LipSync set), in their usual order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

VISEME_NAMES: tuple[str, ...] = (
    "sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U",
)  # fmt: skip
# What a viewer tells apart, as indices of the names: rest, lips together, lip at the teeth, made by the tongue, open, spread,
# round.
VISEME_GROUPS: tuple[tuple[int, ...], ...] = ((0,), (1,), (2,), (3, 4, 5, 6, 7, 8, 9), (10,), (11, 12), (13, 14))


def viseme_name(probabilities: NDArray[np.float32]) -> str:
    """The likeliest viseme of probabilities float32 [15]."""
    return VISEME_NAMES[int(probabilities.argmax())]
