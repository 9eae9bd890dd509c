"""How far picture and sound are apart where they leave LiveKit's sources: ``python -m benchmarks.livekit_sync``.

Every tick carries its number in its picture (black and white squares) and in its sound (the level). Both are read back from the
tracks. Twice: undisturbed, and with the event loop blocked for 200 ms every 2 s, as a busy agent does. Compared are our
publisher and LiveKit's own AvatarRunner, which the other plugins use. + : the picture is late, - : the mouth leads.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bithuman_core import AsyncBithuman, VideoFrame
from bithuman_core.settings import default_avatar

SECONDS = 12
STALL, STALL_EVERY = 0.2, 2.0  # seconds
BITS, SQUARE = 12, 32  # the number, and px a bit
MUST = 0.040  # seconds


class MarkedRuntime:
    """A real runtime, its frames marked with their number."""

    def __init__(self, runtime: AsyncBithuman) -> None:
        self._runtime = runtime

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    async def run(self) -> AsyncIterator[VideoFrame]:
        async for frame in self._runtime.run():
            frame.bgr_image = mark(frame.frame_index)
            if frame.audio_chunk is not None:
                frame.audio_chunk.data = np.full(640, 1000 + frame.frame_index, np.int16)
            yield frame


def mark(number: int) -> NDArray[np.uint8]:
    """A picture that shows the number in black and white squares, uint8 [h, w, 3]."""
    bits = np.array([number >> bit & 1 for bit in range(BITS)], np.uint8) * 255
    return np.repeat(np.repeat(bits[None, :, None], SQUARE, axis=0), SQUARE, axis=1).repeat(3, axis=2)


def number_in(picture: NDArray[np.uint8]) -> int:
    """The reverse of :func:`mark`."""
    bits = picture[SQUARE // 2, SQUARE // 2 :: SQUARE, 0] > 127
    return int(sum(1 << bit for bit in np.flatnonzero(bits)))


async def offsets(make_runner: Any, generator: Any, runtime: AsyncBithuman, *, stalls: bool) -> NDArray[np.float64]:
    """Seconds from a tick's sound to its picture, for every tick that was both seen and heard."""
    from livekit.agents.voice.avatar import AvatarOptions, QueueAudioOutput

    from examples.offline_room import OfflineRoom

    room, voice = OfflineRoom(), QueueAudioOutput(sample_rate=16000)
    options = AvatarOptions(BITS * SQUARE, SQUARE, 25, 16000, 1)
    runner = make_runner(room.as_room, audio_recv=voice, video_gen=generator, options=options)
    await runner.start()
    await runtime.push_audio(np.full(SECONDS * 16000, 1, np.int16), 16000)
    stalled: list[float] = []
    end = time.monotonic() + SECONDS + 1.0
    next_stall = time.monotonic() + STALL_EVERY
    while time.monotonic() < end:
        await asyncio.sleep(0.01)
        if stalls and time.monotonic() >= next_stall:
            stalled.append(time.monotonic())
            time.sleep(STALL)  # noqa: ASYNC251  the disturbance that is measured
            next_stall += STALL_EVERY
    await runner.aclose()
    await runtime.stop()
    heard: dict[int, float] = {}
    for at, block in room.sound:
        if block[0] > 1:
            heard.setdefault(int(block[0]) - 1000, at)
    seen: dict[int, float] = {}
    for at, picture in room.pictures:
        seen.setdefault(number_in(picture), at)
    await room.close()
    blind = [(at - 0.05, at + STALL + 0.05) for at in stalled]  # what is read while the loop is blocked has no time of its own
    both = [number for number in heard.keys() & seen.keys() if not any(a < heard[number] < b for a, b in blind)]
    return np.array([seen[number] - heard[number] for number in both if heard[number] > min(heard.values()) + 0.5])


async def measure() -> int:
    """Print the table; 1 where ours is not within 40 ms for 90 % of the ticks."""
    from livekit.agents.voice.avatar import AvatarRunner

    from bithuman_core.livekit import AvatarGenerator, AvatarPublisher

    failed = 0
    print(f"{'publisher':32} {'loop':8} {'ticks':>6} {'median':>8} {'5 %':>8} {'95 %':>8} {'worst':>8}   (ms)")
    for name, make in (("bithuman_core", AvatarPublisher), ("livekit-agents AvatarRunner", AvatarRunner)):
        for stalls in (False, True):
            async with await AsyncBithuman.create(model_path=default_avatar(), output_size=128) as runtime:
                generator = AvatarGenerator(cast(AsyncBithuman, MarkedRuntime(runtime)))
                found = 1000 * await offsets(make, generator, runtime, stalls=stalls)
            low, high = np.percentile(found, [5, 95])
            worst = found[np.abs(found).argmax()]
            row = f"{np.median(found):8.1f} {low:8.1f} {high:8.1f} {worst:8.1f}"
            print(f"{name:32} {'stalls' if stalls else 'free':8} {found.size:6} {row}", flush=True)
            failed |= make is AvatarPublisher and max(-low, high) > 1000 * MUST
    return int(failed)


if __name__ == "__main__":
    sys.exit(asyncio.run(measure()))
