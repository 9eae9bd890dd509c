"""A Pipecat bot with a face: scripted words, a local voice, our avatar.

    python -m examples.pipecat_agent talk.mp4      a short talk with a barge-in, written as a video

Put your transport in the place of ``OfflineOutput`` and your STT, LLM and TTS in the place of the two classes.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence

import numpy as np
from numpy.typing import NDArray
from pipecat.frames.frames import (
    BotStoppedSpeakingFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService
from pipecat.workers.runner import WorkerRunner

from bithuman_core.pipecat import BitHumanVideoService
from examples.local_voice import RATE, synthesise
from examples.offline_output import OfflineOutput

ANSWERS = (
    "Hello! I live on this machine, without any network.",
    "Once upon a time there was a very long story, and it went on and on, and nobody ever heard the end of it, because ...",
    "Of course. What would you like to know?",
)


class ScriptedLLM(FrameProcessor):
    """Answers what the user says, one line after the other; ``quiet`` is set when the bot has stopped speaking."""

    def __init__(self, answers: Sequence[str]) -> None:
        super().__init__()
        self.answers = list(answers)
        self.quiet = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame) and self.answers:
            self.quiet.clear()
            await self.push_frame(LLMFullResponseStartFrame())
            await self.push_frame(LLMTextFrame(self.answers.pop(0)))
            await self.push_frame(LLMFullResponseEndFrame())
            return
        if isinstance(frame, BotStoppedSpeakingFrame):
            self.quiet.set()
        await self.push_frame(frame, direction)


class LocalTTS(TTSService):
    """espeak-ng or flite. ``spoken`` keeps what was said."""

    def __init__(self) -> None:
        settings = TTSSettings(model=None, voice=None, language=None)
        super().__init__(sample_rate=RATE, push_start_frame=True, push_stop_frames=True, settings=settings)
        self.spoken: list[NDArray[np.int16]] = []

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        samples = await asyncio.to_thread(synthesise, text)
        self.spoken.append(samples)
        yield TTSAudioRawFrame(samples.tobytes(), RATE, 1, context_id=context_id)


def user_says(text: str) -> TranscriptionFrame:
    """What an STT would give."""
    return TranscriptionFrame(text, "user", "2026-01-01T00:00:00Z")


async def talk(worker: PipelineWorker, words: ScriptedLLM, output: OfflineOutput) -> None:
    """Three turns; the user breaks into the second one."""
    await worker.queue_frame(user_says("Hello?"))
    await words.quiet.wait()
    heard = output.heard.size
    words.quiet.clear()
    await worker.queue_frame(user_says("Tell me a story."))
    await output.hear(heard + RATE)  # a second of it
    await worker.queue_frame(InterruptionFrame())
    await words.quiet.wait()
    words.quiet.clear()
    await worker.queue_frame(user_says("Wait, a question!"))
    await words.quiet.wait()
    await worker.queue_frame(EndFrame())


async def run(output: OfflineOutput, voice: LocalTTS, answers: Sequence[str] = ANSWERS) -> None:
    """The pipeline, from the words to the picture."""
    words = ScriptedLLM(answers)
    avatar = BitHumanVideoService()  # model_path="me.imx" for your own face
    worker = PipelineWorker(Pipeline([words, voice, avatar, output]), params=PipelineParams(audio_out_sample_rate=RATE))
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), talk(worker, words, output))


async def main(path: str) -> None:
    """Talk, and write the video."""
    output = OfflineOutput(512, 512)
    await run(output, LocalTTS())
    output.write(path)
    print(f"{path}: {len(output.pictures)} pictures")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
