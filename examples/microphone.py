"""The avatar says what you say, live: microphone in, frames out. Nothing is ever flushed, and the delay stays small.

    pip install sounddevice
    python -m examples.microphone [seconds]

A window is up to you: ``show`` gets every picture (BGR uint8) and its sound.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable

from bithuman_core import AsyncBithuman, VideoFrame

RATE, BLOCK = 48_000, 960  # Hz, and samples in 20 ms
PATIENCE = 3.0  # seconds without any sound: an open microphone always sends some


async def repeat(
    microphone: AsyncIterator[bytes], show: Callable[[VideoFrame], None], runtime: AsyncBithuman, rate: int = RATE
) -> None:
    """Until the microphone has ended."""

    async def listen() -> None:
        async for block in microphone:
            await runtime.push_audio(block, rate, last_chunk=False)
        await runtime.flush()

    listening = asyncio.create_task(listen())
    async for frame in runtime.run(idle_timeout=PATIENCE):
        show(frame)
    await listening


async def from_sound_card(seconds: float) -> AsyncIterator[bytes]:
    """Blocks of the default microphone, int16 mono."""
    import sounddevice  # the one thing here that is not part of bithuman_core's own needs

    loop, blocks = asyncio.get_running_loop(), asyncio.Queue[bytes]()

    def take(block: bytes, *_: object) -> None:
        loop.call_soon_threadsafe(blocks.put_nowait, bytes(block))

    with sounddevice.RawInputStream(RATE, BLOCK, channels=1, dtype="int16", callback=take):
        for _ in range(int(seconds * RATE / BLOCK)):
            yield await blocks.get()


async def main(seconds: float) -> None:
    def show(frame: VideoFrame) -> None:
        print("speaking" if frame.audio_chunk else "idle    ", frame.frame_index, end="\r")

    async with await AsyncBithuman.create() as runtime:
        await repeat(from_sound_card(seconds), show, runtime)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0))
