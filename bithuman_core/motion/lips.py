"""How surely the speech holds the lips closed: what decides whether an expression may part them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# How far the inner lips part at coefficient 1, in distances between the eyes, on the shipped characters.
PARTING = {
    "jawOpen": 0.56, "mouthClose": -0.7, "mouthFunnel": 0.24, "mouthRollLower": -0.07, "mouthRollUpper": 0.03,
    "mouthShrugLower": -0.12, "mouthShrugUpper": 0.09, "mouthPressLeft": -0.025, "mouthPressRight": -0.025,
    "mouthLowerDownLeft": 0.055, "mouthLowerDownRight": 0.055, "mouthUpperUpLeft": 0.06, "mouthUpperUpRight": 0.06,
}  # fmt: skip
OPEN = 0.08  # parted this far, the speech asks for nothing
VOICE_RISE, VOICE_FALL = 0.7, 0.12  # shares of the way a tick: at the voice's beginning at once, in its pauses slowly


class LipSeal:
    """Follows the net's mouth of one session."""

    def __init__(self, mouth_names: Sequence[str]) -> None:
        self._parting = np.array([PARTING.get(name, 0.0) for name in mouth_names], np.float32)
        self._voiced = 0.0

    def next(self, mouth: NDArray[np.float32], voice: float) -> float:
        """1 where a speaking mouth (coefficients in the order of ``mouth_names``) is closed, 0 where it is open or silent."""
        active = float(voice > 0.5)
        self._voiced += (active - self._voiced) * (VOICE_RISE if active else VOICE_FALL)
        t = min(max(float(self._parting @ mouth) / OPEN, 0.0), 1.0)
        return self._voiced * (1.0 - t * t * (3.0 - 2.0 * t))
