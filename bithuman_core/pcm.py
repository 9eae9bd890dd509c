"""Samples as numbers: int16 PCM and float, any channel count, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.errors import AudioError

FULL_SCALE = 32768.0  # int16 counts at 1.0; the same factor both ways, so that int16 -> float -> int16 is exact
MIN_RATE, MAX_RATE = 4_000, 384_000  # Hz
LOUDEST = 16.0  # of floats: 24 dB above full scale is no loud sound, it is another scale
FILE_BEGINS = (b"RIFF", b"OggS", b"fLaC", *(b"ID3" + bytes([version]) for version in range(5)))


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


def check_scale(samples: NDArray[Any]) -> None:
    """Raises AudioError for floats that hold NaN or infinity, or that were never divided by 32768."""
    if not np.isfinite(samples).all():
        raise AudioError("The audio holds NaN or infinity: check the step that made it.")
    if samples.size and (peak := float(np.abs(samples).max())) > LOUDEST:
        raise AudioError(f"Float samples go from -1 to 1 and these reach {peak:.0f}: divide by 32768, or give int16.")


def raw_bytes(samples: NDArray[Any] | bytes | bytearray | memoryview) -> bytes | None:
    """The bytes of what is given as bytes; None for samples that know their own type.

    Raises AudioError for the beginning of a sound file, which would be spoken as noise.
    """
    if isinstance(samples, memoryview) and samples.format not in ("B", "b", "c"):
        return None
    if not isinstance(samples, bytes | bytearray | memoryview):
        return None
    data = bytes(samples)
    if data.startswith(FILE_BEGINS):
        raise AudioError(
            f"These bytes begin like a sound file ({data[:4].decode('latin-1').strip()}), not like samples: decode it first, "
            "for example with bithuman_core.audio.load_audio."
        )
    return data


def mono_int16(samples: NDArray[Any] | bytes | bytearray | memoryview) -> NDArray[np.int16]:
    """Any samples to int16 mono [n].

    Bytes are int16 little-endian mono. Arrays are [n] or [n, channels] / [channels, n] (the shorter side, up to 8, is taken
    for the channels and averaged); floats are -1..1 and clip, other integers must be int16.
    Raises AudioError for an odd byte count, the bytes of a sound file, NaN or infinity, floats at another scale, a wrong type or
    shape.
    """
    data = raw_bytes(samples)
    if data is not None:
        if len(data) % 2:
            raise AudioError(f"{len(data)} bytes are not int16 samples: the byte count must be even.")
        return np.frombuffer(data, "<i2").astype(np.int16, copy=False)
    array = np.asarray(samples)
    if array.dtype.kind == "i" and array.dtype.itemsize == 2:
        array = array.astype(np.int16, copy=False)  # of either byte order
    if array.ndim == 2:
        array = _down_mix(array) if array.size else array.reshape(-1)
    if array.ndim != 1:
        raise AudioError(f"Audio has the shape {list(array.shape)}; give [samples] or [samples, channels].")
    if array.dtype == np.int16:
        return array
    if array.dtype.kind != "f":
        raise AudioError(f"Audio has the type {array.dtype}; give int16, or floats from -1 to 1.")
    check_scale(array)
    return float32_to_int16(array)


def _down_mix(array: NDArray[Any]) -> NDArray[Any]:
    channel_axis = int(array.shape[0] > array.shape[1])
    if array.shape[channel_axis] > 8:
        raise AudioError(f"Audio has the shape {list(array.shape)}; give [samples] or [samples, channels], up to 8.")
    if array.shape[channel_axis] == 1:
        return array.reshape(-1)
    mean = array.mean(axis=channel_axis, dtype=np.float64)
    return np.rint(mean).astype(np.int16) if array.dtype == np.int16 else mean
