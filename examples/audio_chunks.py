"""Frames chunk by chunk, as fast as they can be made: for pipelines that have a clock of their own.

    python -m examples.audio_chunks [speech.wav]
"""

from __future__ import annotations

import asyncio
import sys
import time

from bithuman_core import AsyncBithuman, AudioChunk
from bithuman_core.settings import speech_clip


async def main(speech: str | None = None) -> int:
    whole = AudioChunk.from_file(speech or speech_clip())
    half = whole.array.size // 2
    runtime = await AsyncBithuman.create()
    frames, began = 0, time.perf_counter()
    for samples, last in ((whole.array[:half], False), (whole.array[half:], True)):
        chunk = AudioChunk.from_numpy(samples, whole.sample_rate, last_chunk=last)
        async for frame in runtime.process_audio_chunk(chunk):
            assert frame.image is not None
            frames += 1
    print(f"{frames} frames of {whole.duration:.1f} s in {time.perf_counter() - began:.1f} s")
    await runtime.close()
    return frames


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
