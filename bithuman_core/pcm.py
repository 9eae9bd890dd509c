"""Samples as numbers: int16 PCM and float, any channel count, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import AudioError

FULL_SCALE = 32768.0  # int16 counts at 1.0; the same factor both ways, so that int16 -> float -> int16 is exact
MIN_RATE, MAX_RATE = 4_000, 384_000  # Hz


def float32_to_int16(samples: NDArray[Any]) -> NDArray[np.int16]:
    """Float samples in -1..1 to int16; louder samples clip."""
    return np.clip(np.rint(np.asarray(samples, np.float64) * FULL_SCALE), -32768, 32767).astype(np.int16)


def int16_to_float32(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """int16 samples to float32 in -1..1."""
    return np.asarray(samples, np.float32) / np.float32(FULL_SCALE)


def check_rate(rate: int) -> int:
    """The sampling rate in Hz as an int. Raises AudioError outside 4..384 kHz."""
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer) or not MIN_RATE <= rate <= MAX_RATE:
        raise AudioError(f"The sample rate is {rate!r}; give a whole number of Hz from {MIN_RATE} to {MAX_RATE}.")
    return int(rate)


def mono_int16(samples: NDArray[Any] | bytes | bytearray | memoryview) -> NDArray[np.int16]:
    """Any samples to int16 mono [n].

    Bytes are int16 little-endian mono. Arrays are [n] or [n, channels] / [channels, n] (the shorter side, up to 8, is taken
    for the channels and averaged); floats are -1..1 and clip, other integers must be int16.
    Raises AudioError for an odd byte count, NaN or infinity, a wrong type or shape.
    """
    if isinstance(samples, bytes | bytearray | memoryview):
        if len(samples) % 2:
            raise AudioError(f"{len(samples)} bytes are not int16 samples: the byte count must be even.")
        return np.frombuffer(samples, "<i2").astype(np.int16, copy=False)
    array = np.asarray(samples)
    if array.ndim == 2:
        array = _down_mix(array)
    if array.ndim != 1:
        raise AudioError(f"Audio has the shape {list(array.shape)}; give [samples] or [samples, channels].")
    if array.dtype == np.int16:
        return array
    if array.dtype.kind != "f":
        raise AudioError(f"Audio has the type {array.dtype}; give int16, or floats from -1 to 1.")
    if not np.isfinite(array).all():
        raise AudioError("The audio holds NaN or infinity: check the step that made it.")
    return float32_to_int16(array)


def _down_mix(array: NDArray[Any]) -> NDArray[Any]:
    channel_axis = int(array.shape[0] > array.shape[1])
    if array.shape[channel_axis] > 8:
        raise AudioError(f"Audio has the shape {list(array.shape)}; give [samples] or [samples, channels], up to 8.")
    if array.shape[channel_axis] == 1:
        return array.reshape(-1)
    mean = array.mean(axis=channel_axis, dtype=np.float64)
    return np.rint(mean).astype(np.int16) if array.dtype == np.int16 else mean
