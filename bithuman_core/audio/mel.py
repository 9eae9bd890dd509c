"""Streaming log-mel spectrum at 100 frames a second, levelled causally so that quiet and loud speech look alike.

The filter bank is librosa's (``librosa.filters.mel``). It is made when the speech net is trained and travels inside
``speech.onnx``, so that the running program need not import librosa.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bithuman_core.timing import SAMPLE_RATE, SAMPLES_PER_TICK

HOP = SAMPLE_RATE // 100  # 160 samples = 10 ms
WINDOW = SAMPLE_RATE // 40  # 400 samples = 25 ms
FFT = 512
BINS = FFT // 2 + 1
FRAMES_PER_TICK = SAMPLES_PER_TICK // HOP  # 4
OVERLAP = WINDOW - HOP  # samples of the past that the first frame of a tick needs

POWER_FLOOR = 1e-12  # -120 dB
LEVEL_FLOOR = -50.0  # dBFS: what is quieter than this is not lifted
LEVEL_RELEASE = 0.1  # dB a tick (2.5 dB/s): how quickly the level forgets louder speech
FAR_BELOW, FAR_TICKS = 12.0, 8  # dB, ticks of speech: after so many without one nearer to the level, a quieter voice speaks
FAST_RELEASE = 2.0  # dB a tick (50 dB/s): how quickly the level then falls to that voice
DB_PER_UNIT = 20.0  # the features are decibels / 20
FEATURE_LOW, FEATURE_HIGH = -3.0, 2.0  # 60 dB below to 40 dB above the level


def hann() -> NDArray[np.float32]:
    """The periodic Hann window, float32 [WINDOW], scaled so that a full-scale sine has power 1 in its bin."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    return (window * 2.0 / window.sum()).astype(np.float32)


def tick_levels(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Loudness of every tick in dBFS, float32 [ticks], from mel power [ticks * 4, bands]; an offset or hum below the
    lowest band does not count."""
    mean = power.reshape(-1, FRAMES_PER_TICK, power.shape[1]).sum(axis=2).mean(axis=1)
    return 10.0 * np.log10(np.maximum(mean, POWER_FLOOR))


class LogMelStream:
    """Ticks of audio in, levelled log-mel frames out; causal, constant memory.

    ``filters`` is the mel filter bank, float32 [bands, 257], triangles of height 1. Frame m of a tick covers the 400
    samples that end with sample 160 (m + 1) of the tick, so nothing after the tick is used. A peak follower of the tick's
    loudness (instant attack, 2.5 dB/s release, never below -50 dBFS) is subtracted: the motion does not depend on the
    microphone's gain. Told by :meth:`heed` that somebody speaks far below the level, it follows within a second.
    """

    def __init__(self, filters: NDArray[np.float32]) -> None:
        self._filters = np.ascontiguousarray(filters.T, np.float32)
        self._window = hann()
        self._line = np.zeros(OVERLAP + SAMPLES_PER_TICK, np.float32)
        self._frames = np.lib.stride_tricks.sliding_window_view(self._line, WINDOW)[::HOP]  # views [4, 400]
        self._windowed = np.zeros((FRAMES_PER_TICK, FFT), np.float32)
        self._level = self._loud = LEVEL_FLOOR
        self._forget_quiet()

    @property
    def level(self) -> float:
        """The level that the last tick was measured against, dBFS."""
        return self._level

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """One tick, float32 [640] in -1..1, to features float32 [4, bands] in -3..2 (units of 20 dB over the level)."""
        self._line[:OVERLAP] = self._line[SAMPLES_PER_TICK:]
        self._line[OVERLAP:] = samples
        np.multiply(self._frames, self._window, out=self._windowed[:, :WINDOW])
        spectrum = np.fft.rfft(self._windowed, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ self._filters
        self._loud = float(tick_levels(power)[0])
        fallen = self._level - LEVEL_RELEASE
        if self._far >= FAR_TICKS:
            fallen = min(fallen, max(self._level - FAST_RELEASE, self._quiet_peak))
        self._level = max(self._loud, fallen, LEVEL_FLOOR)
        features = (10.0 * np.log10(np.maximum(power, POWER_FLOOR)) - self._level) / DB_PER_UNIT
        return np.clip(features, FEATURE_LOW, FEATURE_HIGH).astype(np.float32)

    def heed(self, speaking: bool) -> None:
        """Whether the last tick was speech. Noise and pauses far below the level do not lower it, a quieter speaker does."""
        if self._loud > self._level - FAR_BELOW:
            self._forget_quiet()
        elif speaking:
            self._far += 1
            self._quiet_peak = max(self._quiet_peak, self._loud)

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._line[:] = 0.0
        self._level = self._loud = LEVEL_FLOOR
        self._forget_quiet()

    def _forget_quiet(self) -> None:
        """No speech so far that stayed below the level."""
        self._far, self._quiet_peak = 0, LEVEL_FLOOR


def log_mel(samples: NDArray[np.float32], filters: NDArray[np.float32]) -> NDArray[np.float32]:
    """The frames that :class:`LogMelStream` gives for a whole clip: [ticks * 640] samples to [ticks * 4, bands]."""
    ticks = len(samples) // SAMPLES_PER_TICK
    line = np.concatenate([np.zeros(OVERLAP, np.float32), samples[: ticks * SAMPLES_PER_TICK]])
    frames = np.lib.stride_tricks.sliding_window_view(line, WINDOW)[::HOP] * hann()
    spectrum = np.fft.rfft(frames, FFT, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ filters.T.astype(np.float32)
    # The recursion max(level, last - release) is a running maximum of level + release * t.
    ramp = LEVEL_RELEASE * np.arange(ticks)
    level = np.maximum(np.maximum.accumulate(tick_levels(power) + ramp) - ramp, LEVEL_FLOOR)
    features = (10.0 * np.log10(np.maximum(power, POWER_FLOOR)) - np.repeat(level, FRAMES_PER_TICK)[:, None]) / DB_PER_UNIT
    return np.clip(features, FEATURE_LOW, FEATURE_HIGH).astype(np.float32)
