"""One row becomes one video, whole or not at all."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from bithuman_core.audio import AudioFile, write_video
from bithuman_core.audio.alpha_video import write_alpha_video
from bithuman_core.background import Background
from bithuman_core.bulk.rows import Row
from bithuman_core.engine import Fixture, render_ticks
from bithuman_core.render.scale import output_size, scaled

CRF, VP9_CRF = 17, 24  # constant rate factors, as of ``render``'s medium quality


def render_row(row: Row, out: Path) -> int:
    """Write the video of a row to ``out``; returns its frames. Raises ModelError, AudioError, BackgroundError, OSError."""
    sound = AudioFile(row.audio)
    fixture = _fixture(row.avatar, row.avatar.stat().st_mtime_ns, row.size or 0)
    behind = None if row.background is None else Background.named(row.background)
    wanted = output_size(fixture.rig.size, row.size or 0)
    made = render_ticks(fixture, sound.ticks(), background=behind, stillness=row.stillness)
    pictures = (scaled(tick.frame, wanted) for tick in made)
    title = fixture.manifest.name
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix.lower() == ".webm":
        layers = ((picture, None) for picture in pictures)
        return write_alpha_video(out, layers, sound.blocks(), sound.rate, title=title, crf=VP9_CRF)
    return write_video(out, pictures, sound.blocks(), sound.rate, title=title, crf=CRF)


@lru_cache(1)
def _fixture(avatar: Path, _changed: int, at_least: int) -> Fixture:
    """Rows of one avatar follow each other: it is loaded once in each process."""
    return Fixture(avatar, at_least=at_least)


def is_done(row: Row, out: Path) -> bool:
    """Whether the video is there, and newer than what it is made of."""
    try:
        made = out.stat().st_mtime_ns
        return all(made > path.stat().st_mtime_ns for path in (row.avatar, row.audio))
    except FileNotFoundError:
        return False
