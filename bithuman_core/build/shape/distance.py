"""Euclidean distance transforms, with types."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def distance_to(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Px from every place to the nearest True one [h, w]."""
    return np.asarray(ndimage.distance_transform_edt(~mask), np.float32)


def nearest_in(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Row and column of the nearest True place [2, h, w]."""
    return np.asarray(ndimage.distance_transform_edt(~mask, return_distances=False, return_indices=True), np.int32)
