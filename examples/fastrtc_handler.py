"""A FastRTC handler that answers the microphone with an avatar which repeats what it hears.

    python -m examples.fastrtc_handler [avatar.imx]      then open the printed address

``app.py`` of this repository is the finished page; this is the smallest handler of one's own.
"""

from __future__ import annotations

import asyncio
import sys

import numpy as np
from fastrtc import AsyncAudioVideoStreamHandler, Stream
from numpy.typing import NDArray

from bithuman_core import AsyncBithuman
from bithuman_core.utils import FPSController


class Echo(AsyncAudioVideoStreamHandler):
    """Says back what the microphone hears."""

    def __init__(self, model_path: str | None = None) -> None:
        super().__init__(output_sample_rate=16000, input_sample_rate=16000, fps=25)
        self.model_path = model_path
        self.pictures: asyncio.Queue[NDArray[np.uint8]] = asyncio.Queue(2)
        self.sounds: asyncio.Queue[tuple[int, NDArray[np.int16]]] = asyncio.Queue()
        self.seconds_spoken = 0.0
        self.utterances = 0
        self.runtime: AsyncBithuman | None = None
        self.task: asyncio.Task[None] | None = None

    def copy(self) -> Echo:
        return Echo(self.model_path)

    async def start_up(self) -> None:
        self.runtime = await AsyncBithuman.create(model_path=self.model_path)
        self.task = asyncio.create_task(self.live(self.runtime))

    async def live(self, runtime: AsyncBithuman) -> None:
        pace = FPSController(target_fps=25)
        async for frame in runtime.run():
            await asyncio.sleep(pace.wait_next_frame(sleep=False))
            if frame.has_image and frame.bgr_image is not None:
                if self.pictures.full():
                    self.pictures.get_nowait()
                self.pictures.put_nowait(frame.bgr_image)
            if frame.audio_chunk:
                self.sounds.put_nowait((frame.audio_chunk.sample_rate, frame.audio_chunk.data.reshape(1, -1)))
                self.seconds_spoken += frame.audio_chunk.duration
            if frame.end_of_speech:
                self.utterances += 1
            pace.update()

    async def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        if self.runtime is not None:
            rate, samples = frame
            await self.runtime.push_audio(samples.reshape(-1).tobytes(), rate, last_chunk=False)

    async def emit(self) -> tuple[int, NDArray[np.int16]]:
        return await self.sounds.get()

    async def video_receive(self, frame: NDArray[np.float32]) -> None:
        """No camera is needed."""

    async def video_emit(self) -> NDArray[np.uint8]:
        return await self.pictures.get()

    def shutdown(self) -> None:
        if self.task is not None:
            self.task.cancel()
        if self.runtime is not None:
            self.runtime.cleanup()


if __name__ == "__main__":
    stream = Stream(Echo(*sys.argv[1:2]), modality="audio-video", mode="send-receive")
    stream.ui.launch()
