"""The soft step between two places that all masks use."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def smoothstep(values: NDArray[Any], low: float = 0.0, high: float = 1.0) -> NDArray[Any]:
    """0 up to ``low``, 1 from ``high`` on, between them 3 t^2 - 2 t^3: flat at both. Values and result of any one shape."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
