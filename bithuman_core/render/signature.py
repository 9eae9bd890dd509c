"""Array types for the explicit signatures of the kernels, so that they are compiled once and found in the cache."""

from __future__ import annotations

from numba import types


def given(dtype: types.Type, dimensions: int) -> types.Array:
    """A C-contiguous array that the kernel only reads (rig data is read-only)."""
    return types.Array(dtype, dimensions, "C", readonly=True)


def scratch(dtype: types.Type, dimensions: int) -> types.Array:
    """A C-contiguous array that the kernel writes."""
    return types.Array(dtype, dimensions, "C")
