"""The demo with a lamp for an avatar: a loud moment in the microphone comes back as 40 ms of
light and tone.

Both begin with the tick, so that their distance in the browser is the error of lip-sync and nothing else.
``python -m benchmarks.flash`` takes the options of app.py.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bithuman_core.demo.run import main
from bithuman_core.fastrtc.avatar_engine import AvatarState
from bithuman_core.timing import LOOKAHEAD_TICKS, SAMPLE_RATE, SAMPLES_PER_TICK

SIDE = 512  # px, as the shipped avatar
LAMP = slice(224, 288)  # px: small, for a picture that changes all over takes longer to arrive than any of a face
LOUD = 6000  # int16 counts
TONE = (12_000 * np.sin(2 * np.pi * 500 * np.arange(SAMPLES_PER_TICK) / SAMPLE_RATE)).astype(np.int16)


@dataclass(frozen=True)
class FlashTick:
    """One picture and its sound."""

    frame: NDArray[np.uint8]
    audio: NDArray[np.int16] | None


class FlashEngine:
    """Delays like the real engine (two ticks) and answers every loud moment once."""

    def __init__(self) -> None:
        self._pending: deque[bool] = deque([False] * LOOKAHEAD_TICKS)
        self._was_loud = False

    speaking = False

    def play(self, state: AvatarState) -> None:
        """A lamp has one face only."""

    def hush(self) -> None:
        """It forgets what it was about to answer."""
        self._pending = deque([False] * LOOKAHEAD_TICKS)

    def step(self, samples: NDArray[np.int16] | None) -> FlashTick:
        """Take a tick of the microphone, return the one of two ticks ago as flash or darkness."""
        flash, tone = self.animate(samples)
        frame = np.full((SIDE, SIDE, 3), 64, np.uint8)
        frame[LAMP, LAMP] += np.uint8(128 * flash)
        return FlashTick(frame, tone)

    def animate(self, samples: NDArray[np.int16] | None) -> tuple[bool, NDArray[np.int16] | None]:
        """The same without the picture: (flash, audio)."""
        loud = samples is not None and int(np.abs(samples.astype(np.int32)).max()) > LOUD
        self._pending.append(loud and not self._was_loud)
        self._was_loud = loud
        flash = self._pending.popleft()
        return flash, TONE if flash else None


if __name__ == "__main__":
    main(lambda _: FlashEngine())
