"""A clip that the avatar speaks instead of the microphone's sound: a file of the visitor's, or a text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio.sound import Sound
from bithuman_core.motion.take.frames import Take
from bithuman_core.timing import SAMPLES_PER_TICK

WAITING = np.zeros(SAMPLES_PER_TICK, np.int16)  # while more is being made


@dataclass(frozen=True, slots=True)
class Clip:
    """Sound to be spoken, the name that the visitor knows it by, and a take to be done with it."""

    key: str
    name: str
    sound: Sound
    motion: Take | None = None

    @property
    def samples(self) -> NDArray[np.int16]:
        """What there is of the sound, int16 [n] at 16 kHz."""
        return self.sound.samples

    @property
    def seconds(self) -> float:
        """How long that lasts."""
        return self.sound.seconds


class ClipQueue:
    """Plays one clip, tick by tick. Not thread-safe: one event loop uses it."""

    def __init__(self) -> None:
        self._clip: Clip | None = None
        self._position = 0  # samples

    @property
    def key(self) -> str | None:
        """Of the clip that plays."""
        return self._clip.key if self._clip is not None else None

    @property
    def position(self) -> int:
        """Samples of it that were taken; 0 where nothing plays."""
        return 0 if self._clip is None else self._position

    def play(self, clip: Clip) -> None:
        """Begin a clip; one that plays ends."""
        self._clip, self._position = clip, 0

    def stop(self) -> None:
        """End the clip."""
        self._clip = None

    def take(self) -> NDArray[np.int16] | None:
        """The next tick, int16 [640], the last one filled up with silence; None where nothing plays (any more).

        Silence comes where the clip is still growing and has nothing to give.
        """
        if self._clip is None:
            return None
        whole = self._clip.sound.whole  # asked first: what is appended before the end is not missed
        samples = self._clip.samples[self._position : self._position + SAMPLES_PER_TICK]
        if samples.size < SAMPLES_PER_TICK and not whole:
            return WAITING
        self._position += SAMPLES_PER_TICK
        if not samples.size:
            self._clip = None
            return None
        return samples if samples.size == SAMPLES_PER_TICK else np.pad(samples, (0, SAMPLES_PER_TICK - samples.size))
