"""A sound file as a clip that an avatar can speak."""

from __future__ import annotations

import secrets
from pathlib import Path

from bithuman_core.audio.sound import Sound
from bithuman_core.fastrtc.clip_queue import Clip
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.uploads import read_sound


async def read_clip(pool: ReadingPool, path: Path, longest: float, owner: str) -> Clip:
    """The sound of a file that ``owner`` sent. Raises AudioError (none, or over ``longest`` s) and IntakeError."""
    return Clip(secrets.token_urlsafe(8), path.name, Sound(await read_sound(pool, path, longest, owner)))
