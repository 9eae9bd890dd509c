"""Making an agent's avatar: of a photo or clip, or of an avatar file that is looked through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bithuman_core.errors import BuildError
from bithuman_core.face import FACE_SIZE
from bithuman_core.intake.allowance import AVATAR
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.intake.process import Report
from bithuman_core.service.jobs.queue import Task
from bithuman_core.uploads import build_from_photo, can_build
from bithuman_core.uploads.avatar import trial
from bithuman_core.uploads.reading import place_of
from bithuman_core.worker.avatars import NO_PHOTOS, is_avatar_file


@dataclass(frozen=True, slots=True)
class Made:
    """An avatar: its file, a picture of it at rest (WebP), and sentences about what it lacks."""

    model: Path
    still: Path
    notes: Sequence[str]


def make_agent(pool: ReadingPool, task: Task, source: Path, folder: Path, report: Report) -> Made:
    """The avatar of a task, as files in ``folder``. Blocks. Raises BuildError, ModelError, IntakeError, OSError."""
    model, still, notes = source, folder / "still.webp", list[str]()
    if not is_avatar_file(source):
        if not can_build():
            raise BuildError(NO_PHOTOS)
        model, given = folder / "model.imx", task.given
        name, consent, aspect = given["name"], given["consent"], given["aspect"]
        notes = [*build_from_photo(pool, source, model, name, consent, given.get("face"), report, aspect)]
    report("looking at the avatar", 0.98)
    _, picture = pool.run(trial, AVATAR, path=place_of(model), face=[0.0] * FACE_SIZE)
    still.write_bytes(picture)
    return Made(model, still, notes)
