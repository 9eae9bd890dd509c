"""The processes that a server reads uploads in."""

from __future__ import annotations

from pathlib import Path

from bithuman_core.intake.pool import ReadingPool

MODULES = tuple(f"bithuman_core.uploads.{kind}" for kind in ("sound", "avatar", "motion", "background"))  # a build brings its own


def reading_pool() -> ReadingPool:
    """A pool whose processes have at hand what sounds and avatars need. To be closed."""
    return ReadingPool(MODULES)


def place_of(path: Path) -> str:
    """A file as a process calls it that runs in another folder."""
    return str(path.absolute())
