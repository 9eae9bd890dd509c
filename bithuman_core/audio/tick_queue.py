"""The input of a session: samples of any chunk size in, ticks of 640 samples out, utterance by utterance."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio.fifo import SampleFifo
from bithuman_core.audio.live import LiveTrim
from bithuman_core.timing import SAMPLES_PER_TICK


@dataclass(frozen=True, slots=True)
class Tick:
    """Up to 640 int16 samples of one utterance. ``last`` marks its end; only a last tick may be short, even empty."""

    samples: NDArray[np.int16]
    message_id: str
    last: bool = False


@dataclass(slots=True)
class _Utterance:
    message_id: str
    waiting: SampleFifo
    popped: bool = False  # whether a tick of it was taken already
    closed: bool = False
    trim: LiveTrim = field(default_factory=LiveTrim)


class TickQueue:
    """Cuts pushed samples into ticks. Nothing is lost, padded or reordered; utterances never share a tick.

    The one exception is a live microphone that is never flushed: what waits for nothing is cut out of its silence.
    """

    def __init__(self) -> None:
        self._utterances: deque[_Utterance] = deque()
        self.samples = 0  # how many wait

    @property
    def begun(self) -> bool:
        """Whether there is an utterance that has not come to its end."""
        return bool(self._utterances)

    def push(self, samples: NDArray[np.int16], message_id: str) -> None:
        """Append samples to the utterance that is open, or begin one."""
        if not self._utterances or self._utterances[-1].closed:
            self._utterances.append(_Utterance(message_id, SampleFifo()))
        self._utterances[-1].waiting.push(samples)
        self.samples += samples.size

    def close(self) -> None:
        """End the open utterance; without one, or with one that never had a sample, nothing happens."""
        if self._utterances:
            utterance = self._utterances[-1]
            utterance.closed = True
            if not utterance.waiting.size and not utterance.popped:
                self._utterances.pop()

    def clear(self) -> None:
        """Drop everything, the open utterance too."""
        self._utterances.clear()
        self.samples = 0

    def pop(self) -> Tick | None:
        """The next tick, or None while a whole one (or the end of its utterance) has not arrived."""
        if not self._utterances:
            return None
        utterance = self._utterances[0]
        waiting, before = utterance.waiting, utterance.waiting.size
        if waiting.size < SAMPLES_PER_TICK and not utterance.closed:
            return None
        samples = waiting.pop(min(SAMPLES_PER_TICK, waiting.size))
        utterance.popped = True
        if not utterance.closed and (skipped := utterance.trim.superfluous(samples, waiting.size)):
            samples = np.concatenate([samples[skipped:], waiting.pop(skipped)])
        self.samples -= before - waiting.size
        last = utterance.closed and not waiting.size
        if last:
            self._utterances.popleft()
        return Tick(samples, utterance.message_id, last)
