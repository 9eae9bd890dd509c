"""The picture that a video's avatar stands before, as a job keeps it: as large as frames are, text beside its other facts."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from bithuman_core.intake.allowance import BACKGROUND
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.uploads.background import background
from bithuman_core.uploads.reading import place_of

LARGEST = 1024  # px of its longest side; frames of photo avatars have 912
QUALITY = 90  # of WebP


def picture_text(pool: ReadingPool, path: Path) -> str:
    """A picture that somebody sent, WebP in base64. Blocks. Raises BackgroundError, IntakeError."""
    facts, pixels = pool.run(background, BACKGROUND, path=place_of(path))
    image = Image.fromarray(np.frombuffer(pixels, np.uint8).reshape(facts["height"], facts["width"], 3))
    image.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    coded = io.BytesIO()
    image.save(coded, "WEBP", quality=QUALITY)
    return base64.b64encode(coded.getvalue()).decode()


def picture_file(text: str, folder: Path) -> Path:
    """That picture as a file in ``folder``."""
    path = folder / "background.webp"
    path.write_bytes(base64.b64decode(text))
    return path
