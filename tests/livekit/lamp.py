"""An avatar with a lamp: where its voice is loud its picture is bright, so that a viewer can tell how far apart the two are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core import AsyncBithuman, VideoFrame
from bithuman_core.timing import SAMPLE_RATE, SAMPLES_PER_TICK

LAMP = slice(224, 288)  # px of 512: small, for a picture that changes all over takes longer to arrive than any of a face
DARK, BRIGHT = 40, 215
LOUD = 3000  # int16 counts
LOUD_TICKS, EVERY_TICKS = 5, 25


def bursts(seconds: int) -> NDArray[np.int16]:
    """A tone of 200 ms at the end of every second, the rest silence, int16 at 16 kHz."""
    ticks = np.arange(seconds * EVERY_TICKS).repeat(SAMPLES_PER_TICK)
    loud = ticks % EVERY_TICKS >= EVERY_TICKS - LOUD_TICKS
    return (12_000 * loud * np.sin(2 * np.pi * 500 * np.arange(loud.size) / SAMPLE_RATE)).astype(np.int16)


class LampRuntime:
    """A real runtime, of whose frames the lamp is drawn over."""

    def __init__(self, runtime: AsyncBithuman) -> None:
        self._runtime = runtime

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    async def run(self) -> AsyncIterator[VideoFrame]:
        """Its frames."""
        async for frame in self._runtime.run():
            if frame.bgr_image is not None:
                loud = frame.audio_chunk is not None and np.abs(frame.audio_chunk.array.astype(np.int32)).max() > LOUD
                frame.bgr_image = frame.bgr_image.copy()
                frame.bgr_image[LAMP, LAMP] = BRIGHT if loud else DARK
            yield frame
