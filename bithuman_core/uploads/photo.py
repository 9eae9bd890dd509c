"""An avatar of somebody else's photo or clip: all of it is made elsewhere, the finished file is what comes here."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bithuman_core.intake.allowance import CLIP, PHOTO
from bithuman_core.intake.pool import ReadingPool, unheard
from bithuman_core.intake.process import Report
from bithuman_core.uploads.reading import place_of


def can_build() -> bool:
    """Whether the packages of the extra ``build`` are there."""
    return find_spec("ai_edge_litert") is not None


def building(report: Report, photo: str, out: str, name: str, consent: str) -> tuple[dict[str, Any], bytes]:
    """A job: ``{"notes": [...]}``; the avatar is in the file ``out``."""
    from bithuman_core.build import build_avatar

    return {"notes": list(build_avatar(photo, out, consent=consent, name=name, progress=report).notes)}, b""


def build_from_photo(
    pool: ReadingPool, photo: Path, out: Path, name: str, consent: str, report: Report = unheard
) -> Sequence[str]:
    """Make the ``.imx`` file ``out`` of a photo or clip; returns sentences about what it lacks. Blocks.

    Raises BuildError, OSError, or IntakeError where it takes more than :data:`~bithuman_core.intake.allowance.PHOTO`, or
    ``CLIP``. Nothing
    half-written is left.
    """
    from bithuman_core.build.photo.sources import is_clip

    with TemporaryDirectory(dir=out.parent) as folder:  # a process that is ended leaves its file where it was
        made = Path(folder, out.name)
        given = {"photo": place_of(photo), "out": place_of(made), "name": name, "consent": consent}
        facts, _ = pool.run(building, CLIP if is_clip(photo) else PHOTO, report, **given)
        made.replace(out)
    return [str(note) for note in facts["notes"]]
