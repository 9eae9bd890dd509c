"""The speech motion of a clip as a file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from bithuman_core.demo.jobs import Report
from bithuman_core.engine import Fixture, cut_into_ticks
from bithuman_core.fastrtc.clip_queue import Clip
from bithuman_core.files import replacing
from bithuman_core.motion.export import Moment, MotionFormat, at_rate, write
from bithuman_core.motion.recording import speech_motion
from bithuman_core.timing import FPS, SAMPLES_PER_TICK

SUFFIX = {MotionFormat.CSV: "csv", MotionFormat.ARKIT_CSV: "csv", MotionFormat.JSON: "json", MotionFormat.VISEMES: "json"}


def write_motion(folder: Path, fixture: Fixture, clip: Clip, form: MotionFormat, fps: int, style: float, report: Report) -> Path:
    """Write it into ``folder``; lips are measured on the avatar of ``fixture``. Returns the file."""
    path = folder / f"{Path(clip.name).stem}.{SUFFIX[form]}"
    total = math.ceil(clip.samples.size / SAMPLES_PER_TICK)

    def told() -> Iterator[Moment]:
        moments = speech_motion(fixture.net, cut_into_ticks(clip.samples), fixture.rig.measure, style)
        for index, moment in enumerate(moments):
            if index % FPS == 0:
                report("listening", index / total)
            yield moment

    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        write(at_rate(told(), fps), file, form, fps)
    return path
