"""A Pipecat pipeline around one service, with a sink that tests can wait on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import numpy as np
from numpy.typing import NDArray
from pipecat.frames.frames import (
    EndFrame,
    ErrorFrame,
    Frame,
    OutputImageRawFrame,
    StartFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner


class Sink(FrameProcessor):
    """Keeps what comes past in one direction."""

    def __init__(self, direction: FrameDirection) -> None:
        super().__init__(enable_direct_mode=True)
        self.frames: list[Frame] = []
        self._direction = direction
        self._news = asyncio.Condition()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if direction is self._direction:
            async with self._news:
                self.frames.append(frame)
                self._news.notify_all()
        await self.push_frame(frame, direction)

    async def wait(self, done: Callable[[Sequence[Frame]], bool]) -> None:
        """Until ``done(frames)``."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: done(self.frames)), 60)

    @property
    def sound(self) -> NDArray[np.int16]:
        """All sound that came past, int16 [n]."""
        return sound_of(self.frames)


def sound_of(frames: Sequence[Frame]) -> NDArray[np.int16]:
    """The TTS sound among the frames, int16 [n]."""
    return np.concatenate(
        [np.zeros(0, np.int16), *(np.frombuffer(f.audio, np.int16) for f in frames if isinstance(f, TTSAudioRawFrame))]
    )


class Stage:
    """The running pipeline: ``say`` things into the service, look at ``down`` and ``up``."""

    def __init__(self, service: FrameProcessor) -> None:
        self.up, self.down = Sink(FrameDirection.UPSTREAM), Sink(FrameDirection.DOWNSTREAM)
        self.worker = PipelineWorker(Pipeline([self.up, service, self.down]), cancel_on_idle_timeout=False)
        self._turns = 0

    async def say(self, samples: NDArray[np.int16], rate: int = 16000, *, stop: bool = True) -> str:
        """A reply as a TTS gives it, in chunks of 20 ms. Returns its context id."""
        self._turns += 1
        context = f"turn-{self._turns}"
        for start in range(0, samples.size, rate // 50):
            chunk = samples[start : start + rate // 50].tobytes()
            await self.worker.queue_frame(TTSAudioRawFrame(chunk, rate, 1, context_id=context))
        if stop:
            await self.worker.queue_frame(TTSStoppedFrame(context_id=context))
        return context

    async def stopped(self, count: int) -> None:
        """Until so many TTSStoppedFrames have come out."""
        await self.down.wait(lambda frames: sum(isinstance(f, TTSStoppedFrame) for f in frames) >= count)

    async def heard(self, ticks: int) -> None:
        """Until so many frames of sound have come out since the start."""
        await self.down.wait(lambda frames: sum(isinstance(f, TTSAudioRawFrame) for f in frames) >= ticks)

    def errors(self) -> list[str]:
        """The messages of the ErrorFrames that went upstream."""
        return [f.error for f in self.up.frames if isinstance(f, ErrorFrame)]

    def pictures(self) -> list[OutputImageRawFrame]:
        """What the user has seen."""
        return [f for f in self.down.frames if isinstance(f, OutputImageRawFrame)]


@asynccontextmanager
async def on_stage(service: FrameProcessor) -> AsyncIterator[Stage]:
    """Run a pipeline around ``service``; it ends with an EndFrame."""
    stage = Stage(service)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(stage.worker)
    running = asyncio.create_task(runner.run())
    await stage.down.wait(lambda frames: any(isinstance(f, StartFrame) for f in frames))
    try:
        yield stage
        await stage.worker.queue_frame(EndFrame())
        await asyncio.wait_for(running, 60)
    finally:
        if not running.done():
            await stage.worker.cancel()
            await asyncio.wait([running])
