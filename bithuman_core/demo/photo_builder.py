"""Avatars from photos and clips, where this installation can make them."""

from __future__ import annotations

from functools import partial

from bithuman_core.demo.context import Builder
from bithuman_core.intake.pool import ReadingPool
from bithuman_core.uploads import build_from_photo, can_build


def photo_builder(pool: ReadingPool) -> Builder | None:
    """What makes an avatar from a photo in a process of ``pool``; None where the packages of the extra ``build`` are missing."""
    return partial(build_from_photo, pool) if can_build() else None
