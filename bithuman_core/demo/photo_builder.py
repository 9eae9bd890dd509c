"""Avatars from photos and clips, where this installation can make them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from bithuman_core.demo.context import Builder
from bithuman_core.demo.jobs import Report


def photo_builder() -> Builder | None:
    """What makes an avatar from a photo; None where the packages of the extra ``build`` are not there."""
    if find_spec("ai_edge_litert") is None:
        return None

    def build(photo: Path, out: Path, name: str, consent: str, face: int | None, report: Report) -> Sequence[str]:
        from bithuman_core.build import build_avatar

        return build_avatar(photo, out, consent=consent, name=name, face=face, progress=report).notes

    return build
