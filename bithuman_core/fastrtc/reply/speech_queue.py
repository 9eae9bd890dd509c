"""What an app's handler has said and the avatar has not spoken yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from fastrtc import CloseStream
from numpy.typing import NDArray

from bithuman_core.audio import StreamResampler
from bithuman_core.audio.fifo import SampleFifo
from bithuman_core.pcm import mono_int16
from bithuman_core.timing import FPS

START_TICKS = 2  # that wait before speech begins: what comes at the pace of its playing then has a tick in reserve
PATIENCE = 3  # ticks without more sound: what waits is the end of an utterance


@dataclass(frozen=True, slots=True)
class SpeechTick:
    """40 ms of the voice: int16 [rate / 25], zeros in silence. ``close``: the app ends the stream here."""

    samples: NDArray[np.int16]
    close: CloseStream | None = None


class SpeechQueue:
    """Sound of any rate and chunk size in, ticks of one rate out. Nothing is lost, and only ends are filled up with silence.

    ``rate``: of the ticks, Hz, a multiple of 25. ``clears``: how often everything was dropped. Not thread-safe.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.clears = 0
        self.silence = SpeechTick(np.zeros(rate // FPS, np.int16))
        self._resampler = StreamResampler(rate, rate)
        self._start()

    def _start(self) -> None:
        self._waiting = SampleFifo()
        self._still = 0  # ticks since more sound came
        self._flowing = self._ended = False
        self._close: CloseStream | None = None

    @property
    def seconds(self) -> float:
        """How much sound waits."""
        return self._waiting.size / self.rate

    def push(self, rate: int, samples: NDArray[Any]) -> None:
        """Append sound at ``rate`` Hz: int16, or floats of -1 to 1, [n] or [channels, n] (averaged). Raises AudioError."""
        if not samples.size:
            return
        mono = mono_int16(samples)
        if rate != self._resampler.rate_in:
            resampler = StreamResampler(rate, self.rate)
            self._waiting.push(self._resampler.finish())
            self._resampler = resampler
        self._waiting.push(self._resampler.push(mono))
        self._still, self._ended = 0, False

    def flush(self) -> None:
        """An utterance is complete: its rest need not wait for more."""
        if not self._ended:
            self._waiting.push(self._resampler.finish())
            self._ended = True

    def close(self, close: CloseStream) -> None:
        """The stream ends when everything before has been said."""
        self.flush()
        self._close = close

    def clear(self) -> None:
        """Drop everything."""
        self._resampler = StreamResampler(self.rate, self.rate)
        self._start()
        self.clears += 1

    def take(self) -> SpeechTick:
        """The next tick."""
        self._still += 1
        if self._still > PATIENCE:
            self.flush()
        tick = self.silence.samples.size
        wanted = 1 if self._ended else tick if self._flowing else START_TICKS * tick
        self._flowing = self._waiting.size >= wanted
        if self._flowing:
            samples = self._waiting.pop(min(self._waiting.size, tick))
            return SpeechTick(np.pad(samples, (0, tick - samples.size)))
        if self._close is None:
            return self.silence
        closing, self._close = SpeechTick(self.silence.samples, self._close), None
        return closing
