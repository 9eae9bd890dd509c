"""The video of a clip, spoken by an avatar as the visitor sees it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio import write_video
from bithuman_core.demo.jobs import Report
from bithuman_core.fastrtc.avatar_engine import AvatarEngine, AvatarState
from bithuman_core.fastrtc.clip_queue import Clip, ClipQueue
from bithuman_core.timing import LOOKAHEAD_TICKS, SAMPLE_RATE, SAMPLES_PER_TICK

REPORT_EVERY = 5  # frames


def render_video(path: Path, state: AvatarState, clip: Clip, report: Report) -> None:
    """Write the clip as MP4, spoken by the avatar in this state."""
    total = math.ceil(clip.samples.size / SAMPLES_PER_TICK)

    def frames() -> Iterator[NDArray[np.uint8]]:
        engine, queue = AvatarEngine(state, planes=False), ClipQueue()
        queue.play(clip)
        if clip.motion is not None:
            engine.follow(clip.motion)
        for index in range(total + LOOKAHEAD_TICKS):
            frame = engine.step(queue.take()).frame
            if index % REPORT_EVERY == 0:
                report("rendering", index / (total + LOOKAHEAD_TICKS))
            if index >= LOOKAHEAD_TICKS:
                yield frame

    write_video(path, frames(), clip.samples, SAMPLE_RATE, title=state.fixture.manifest.name)
