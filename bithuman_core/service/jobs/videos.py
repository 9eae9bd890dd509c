"""Making a video: a text is spoken, or a sound file read, and the avatar rendered to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bithuman_core.intake.allowance import SOUND
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.intake.process import Report
from bithuman_core.service.jobs.pictures import picture_file
from bithuman_core.service.jobs.queue import Task
from bithuman_core.service.jobs.rendering import VIDEO, rendering
from bithuman_core.uploads.reading import place_of
from bithuman_core.uploads.sound import sound
from bithuman_core.voice import TextToSpeech

LONGEST = 180.0  # s of speech


def make_video(
    pool: ReadingPool, voice: TextToSpeech, task: Task, avatar: Path, audio: Path | None, folder: Path, report: Report
) -> Path:
    """The video of a task, MP4 in ``folder``. Blocks. Raises AudioError, ModelError, IntakeError, OSError."""
    report("making the sound", 0.0)
    samples, out = folder / "samples", folder / "video.mp4"
    _sound(pool, voice, task, audio).tofile(samples)
    given = {"avatar": place_of(avatar), "sound": place_of(samples), "out": place_of(out)}
    picture = task.given.get("background_image")
    behind = {"background": task.given.get("background"), "picture": place_of(picture_file(picture, folder)) if picture else None}
    pool.run(rendering, VIDEO, report, **given, **behind)
    return out


def _sound(pool: ReadingPool, voice: TextToSpeech, task: Task, audio: Path | None) -> NDArray[np.int16]:
    """int16 [n] at 16 kHz."""
    if audio is None:
        return voice.speak(task.given["text"], task.given.get("voice", ""), longest=LONGEST)
    _, samples = pool.run(sound, SOUND, path=place_of(audio), longest=LONGEST, name=task.given["audio_name"])
    return np.frombuffer(samples, np.int16)
