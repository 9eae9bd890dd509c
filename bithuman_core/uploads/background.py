"""A picture of somebody else's that is to stand behind an avatar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bithuman_core.background import Background, Kind
from bithuman_core.background.picture import read_picture
from bithuman_core.intake.allowance import BACKGROUND
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.intake.process import Report
from bithuman_core.uploads.reading import place_of


async def read_background(pool: ReadingPool, path: Path, owner: str) -> Background:
    """The background of a picture's file.

    owner: who sent it; of each, one file is read at a time. Raises BackgroundError where it is none, and IntakeError where it
    takes more than :data:`~bithuman_core.intake.allowance.BACKGROUND`.
    """
    facts, content = await pool.read(background, BACKGROUND, owner, path=place_of(path))
    return Background(Kind.PICTURE, picture=np.frombuffer(content, np.uint8).reshape(facts["height"], facts["width"], 3))


def background(report: Report, path: str) -> tuple[dict[str, Any], bytes]:
    """The job: ``{"width": ..., "height": ...}`` and the pixels, RGB. Raises BackgroundError."""
    picture = read_picture(Path(path))
    height, width = picture.shape[:2]
    return {"width": width, "height": height}, picture.tobytes()
