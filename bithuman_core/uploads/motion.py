"""A file of recorded motion of somebody else's as the take that an avatar can do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bithuman_core.face import FACE_SIZE
from bithuman_core.intake.allowance import TAKE
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.intake.process import Report
from bithuman_core.motion.take.frames import Take
from bithuman_core.motion.take.reading import read_take
from bithuman_core.uploads.reading import place_of


async def read_motion(pool: ReadingPool, path: Path, longest: float, owner: str, name: str | None = None) -> Take:
    """The take of a file.

    owner: who sent it; of each, one file is read at a time. name: stands for the file in sentences.
    Raises MotionError where it is none, or lasts over ``longest`` seconds, and IntakeError where it takes more than
    :data:`~bithuman_core.intake.allowance.TAKE`.
    """
    given = {"path": place_of(path), "longest": longest, "name": name or path.name}
    facts, content = await pool.read(motion, TAKE, owner, **given)
    return Take(np.frombuffer(content, np.float32).reshape(-1, FACE_SIZE), np.array(facts["driven"], bool))


def motion(report: Report, path: str, longest: float, name: str) -> tuple[dict[str, Any], bytes]:
    """The job: ``{"driven": [...]}`` and the values as bytes. Raises MotionError."""
    take = read_take(path, None, longest, name)
    return {"driven": take.driven.tolist()}, take.values.tobytes()
