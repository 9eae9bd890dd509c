"""A Pipecat transport that goes nowhere: it takes sound and pictures at the pace of a real one and records them."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pipecat.frames.frames import OutputAudioRawFrame, OutputImageRawFrame, StartFrame
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams

from bithuman_core.audio import write_video_with_audio

RATE, FPS = 16_000, 25


class OfflineOutput(BaseOutputTransport):
    """``sound`` and ``pictures`` hold what the user would get, with the time of each."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(
            TransportParams(
                audio_out_enabled=True,
                audio_out_sample_rate=RATE,
                audio_out_end_silence_secs=0,
                video_out_enabled=True,
                video_out_width=width,
                video_out_height=height,
                video_out_framerate=FPS,
            )
        )
        self.sound: list[tuple[float, NDArray[np.int16]]] = []  # (monotonic seconds at which it is heard, int16 at 16 kHz)
        self.pictures: list[tuple[float, NDArray[np.uint8]]] = []  # (monotonic seconds, RGB)
        self._free_at = 0.0
        self._news = asyncio.Event()

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        begin = max(time.monotonic(), self._free_at)
        samples = np.frombuffer(frame.audio, np.int16)
        self.sound.append((begin, samples))
        self._news.set()
        self._free_at = begin + samples.size / RATE
        await asyncio.sleep(self._free_at - time.monotonic())
        return True

    async def write_video_frame(self, frame: OutputImageRawFrame) -> bool:
        width, height = frame.size
        self.pictures.append((time.monotonic(), np.frombuffer(frame.image, np.uint8).reshape(height, width, 3)))
        return True

    @property
    def heard(self) -> NDArray[np.int16]:
        """All sound, one after the other, int16 [n]."""
        return np.concatenate([np.zeros(0, np.int16), *(samples for _, samples in self.sound)])

    async def hear(self, samples: int) -> None:
        """Return when so many samples have been heard."""
        while self.heard.size < samples:
            self._news.clear()
            await self._news.wait()

    def write(self, path: str | Path) -> None:
        """Write what was seen and heard as an MP4."""
        begin, end = self.pictures[0][0], self.pictures[-1][0]
        shown = np.searchsorted(np.array([at for at, _ in self.pictures]), np.arange(begin, end, 1 / FPS), "right") - 1
        sound = np.zeros(int((end - begin) * RATE), np.int16)
        for at, samples in self.sound:
            part = sound[max(int((at - begin) * RATE), 0) :][: samples.size]
            part[:] = samples[: part.size]
        write_video_with_audio(path, (self.pictures[i][1] for i in shown), sound, RATE)
