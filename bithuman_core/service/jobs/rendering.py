"""A video of an avatar that speaks, made in a process of its own (``intake``), niced and within its allowance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio import write_video
from bithuman_core.background import Background
from bithuman_core.engine import Fixture, render_clip
from bithuman_core.intake.allowance import MIB, Allowance
from bithuman_core.intake.process import Report
from bithuman_core.timing import SAMPLE_RATE, SAMPLES_PER_TICK

# Three minutes of speech on one busy core: 4,500 frames, some 8 ms each with their coding.
VIDEO = Allowance(work=600, wait=1800, memory=1536 * MIB)
REPORT_EVERY = 25  # frames


def rendering(
    report: Report, avatar: str, sound: str, out: str, background: str | None, picture: str | None
) -> tuple[dict[str, Any], bytes]:
    """A job: ``{"frames": n}``; the video (MP4) is in the file ``out``. sound: a file of int16 at 16 kHz, nothing else;
    background: a name or colour that the avatar stands before; picture: the file of a picture instead.
    """
    fixture, samples = Fixture(avatar), np.frombuffer(Path(sound).read_bytes(), np.int16)
    behind = None if background is None else Background.named(background)
    if picture is not None:
        behind = Background.of(Path(picture))
    total = -(-samples.size // SAMPLES_PER_TICK)

    def frames() -> Iterator[NDArray[np.uint8]]:
        for index, tick in enumerate(render_clip(fixture, samples, background=behind)):
            if index % REPORT_EVERY == 0:
                report("rendering", index / total)
            yield tick.frame

    written = write_video(Path(out), frames(), samples, SAMPLE_RATE, title=fixture.manifest.name)
    return {"frames": written}, b""
