"""The soft step between two places that all masks of the builder use."""

from __future__ import annotations

import numpy as np

from bithuman_core.build.arrays import Array


def smoothstep(values: Array, low: float = 0.0, high: float = 1.0) -> Array:
    """0 up to ``low``, 1 from ``high`` on, between them 3 t^2 - 2 t^3: flat at both. Values and result of any one shape."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
