"""The checksum that ties the arrays of an avatar to its manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def describe(arrays: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, Any]]:
    """dtype and shape of every array, as they stand in the manifest."""
    return {name: {"dtype": array.dtype.str, "shape": list(array.shape)} for name, array in arrays.items()}


def checksum(arrays: Mapping[str, NDArray[Any]]) -> str:
    """sha256 (hex) over names, dtypes, shapes and bytes of all arrays, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}\0{array.dtype.str}\0{list(array.shape)}\0".encode())
        digest.update(array.data)
    return digest.hexdigest()
