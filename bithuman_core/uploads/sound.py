"""A sound file of somebody else's as the samples that an avatar can speak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio.file import AudioFile
from bithuman_core.errors import AudioError
from bithuman_core.intake.allowance import SOUND
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.intake.process import Report
from bithuman_core.timing import SAMPLE_RATE
from bithuman_core.uploads.reading import place_of


async def read_sound(
    pool: ReadingPool, path: Path, longest: float, owner: str, name: str | None = None
) -> NDArray[np.int16]:
    """The sound of a file, int16 [n] at 16 kHz.

    owner: who sent it; of each, one file is read at a time. name: stands for the file in sentences.
    Raises AudioError where it is none, or lasts over ``longest`` seconds, and IntakeError where it takes more than
    :data:`~bithuman_core.intake.allowance.SOUND`.
    """
    given = {"path": place_of(path), "longest": longest, "name": name or path.name}
    return np.frombuffer((await pool.read(sound, SOUND, owner, **given))[1], np.int16)


def sound(report: Report, path: str, longest: float, name: str) -> tuple[dict[str, Any], bytes]:
    """The job: the samples as bytes. Raises AudioError."""
    too_long = AudioError(f"{name!r} is longer than the {longest / 60:.0f} minutes that are taken here: cut it shorter.")
    try:
        file = AudioFile(path)
        if file.seconds > longest:
            raise too_long
        ticks, size = [], 0
        for tick in file.ticks():
            ticks.append(tick)
            size += tick.size
            if size > longest * SAMPLE_RATE:  # the file did not say how long it is
                raise too_long
    except AudioError as error:
        text = error.message.replace(path, name).replace(repr(Path(path).name), repr(name))
        raise AudioError(text) from error
    return {}, np.concatenate(ticks).tobytes()
