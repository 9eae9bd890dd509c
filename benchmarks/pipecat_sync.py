"""How far picture and sound are apart where a Pipecat transport gets them: ``python -m benchmarks.pipecat_sync``.

The pictures and sounds carry their number, as in ``benchmarks.livekit_sync``. The transport is Pipecat's own output class on a
writer that takes sound at the pace at which it is heard. + : the picture is late, - : the mouth leads.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.livekit_sync import BITS, MUST, SQUARE, MarkedRuntime, number_in
from bithuman_core import AsyncBithuman

RATE, SECONDS = 16_000, 10


async def offsets(make_service: Callable[..., Any]) -> NDArray[np.float64]:
    """Seconds from a tick's sound to its picture, for every tick that was both seen and heard."""
    from pipecat.frames.frames import EndFrame, TTSAudioRawFrame, TTSStoppedFrame
    from pipecat.pipeline.pipeline import Pipeline
    from pipecat.pipeline.worker import PipelineParams, PipelineWorker
    from pipecat.workers.runner import WorkerRunner

    from examples.offline_output import OfflineOutput

    async def make() -> Any:
        return MarkedRuntime(await AsyncBithuman.create(output_size=128))

    output = OfflineOutput(BITS * SQUARE, SQUARE)
    pipeline = Pipeline([make_service(runtime_factory=make), output])
    worker = PipelineWorker(pipeline, params=PipelineParams(audio_out_sample_rate=RATE))

    async def speak() -> None:
        await asyncio.sleep(1.0)
        await worker.queue_frame(TTSAudioRawFrame(np.full(RATE * SECONDS, 1, np.int16).tobytes(), RATE, 1, context_id="a"))
        await worker.queue_frame(TTSStoppedFrame(context_id="a"))
        await worker.queue_frame(EndFrame())

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), speak())
    heard: dict[int, float] = {}
    for at, samples in output.sound:
        for start in range(0, samples.size, RATE // 100):
            if samples[start] > 1000:
                heard.setdefault(int(samples[start]) - 1000, at + start / RATE)
    seen: dict[int, float] = {}
    for at, picture in output.pictures:
        seen.setdefault(number_in(picture), at)
    return np.array([seen[number] - heard[number] for number in heard.keys() & seen.keys()])


async def measure() -> int:
    """Print the table; 1 where ours is not within 40 ms for 90 % of the ticks."""
    from loguru import logger

    from bithuman_core.pipecat import BitHumanVideoService

    logger.remove()
    services: dict[str, Any] = {"bithuman_core": BitHumanVideoService}
    try:
        from pipecat_bithuman import BitHumanVideoService as TheirService

        services["pipecat-bithuman"] = TheirService
    except ModuleNotFoundError:
        print("(pipecat-bithuman is not installed: see tests/requirements-plugins.txt)")
    failed = False
    print(f"{'service':20} {'ticks':>6} {'median':>8} {'5 %':>8} {'95 %':>8}   (ms)")
    for name, make_service in services.items():
        found = 1000 * await offsets(make_service)
        low, high = np.percentile(found, [5, 95])
        print(f"{name:20} {found.size:6} {np.median(found):8.1f} {low:8.1f} {high:8.1f}", flush=True)
        failed |= name == "bithuman_core" and max(-low, high) > 1000 * MUST
    return int(failed)


if __name__ == "__main__":
    sys.exit(asyncio.run(measure()))
