"""Your first avatar: it says a sound file, and you get its frames.

    python -m examples.first_model [speech.wav] [avatar.imx]
"""

from __future__ import annotations

import asyncio
import sys

from bithuman_core import AsyncBithuman, AudioChunk
from bithuman_core.settings import speech_clip


async def main(speech: str | None = None, model_path: str | None = None) -> None:
    chunk = AudioChunk.from_file(speech or speech_clip())
    async with await AsyncBithuman.create(model_path=model_path) as runtime:
        print("frames of", runtime.get_frame_size(), "at", runtime.fps, "a second")
        await runtime.push_audio(chunk.bytes, chunk.sample_rate)
        async for frame in runtime.run():
            if frame.audio_chunk and frame.image is not None:
                print(f"frame {frame.frame_id}: {frame.image.shape}, {frame.audio_chunk.duration:.3f} s of sound", end="\r")
            if frame.end_of_speech:
                break
        print(f"\n{chunk.duration:.1f} s said")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
