"""A sound file as a clip that an avatar can speak."""

from __future__ import annotations

import secrets
from pathlib import Path

import numpy as np

from bithuman_core.audio import AudioFile
from bithuman_core.errors import AudioError
from bithuman_core.fastrtc.clip_queue import Clip
from bithuman_core.timing import SAMPLE_RATE


def read_clip(path: Path, longest: float, name: str | None = None) -> Clip:
    """The sound of a file. Raises AudioError where it is none, or lasts over ``longest`` seconds.

    ``name`` stands for the file in sentences and titles.
    """
    name = name or path.name
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
        raise AudioError(error.message.replace(str(path), name)) from error  # FFmpeg names the whole path
    return Clip(secrets.token_urlsafe(8), name, np.concatenate(ticks))
