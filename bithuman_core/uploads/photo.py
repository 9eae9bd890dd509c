"""An avatar of somebody else's photo or clip: all of it is made elsewhere, the finished file is what comes here."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import accumulate, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bithuman_core.errors import SeveralFacesError
from bithuman_core.intake.allowance import CLIP, PHOTO
from bithuman_core.intake.pool import ReadingPool, unheard
from bithuman_core.intake.process import Report
from bithuman_core.uploads.reading import place_of


def can_build() -> bool:
    """Whether the packages of the extra ``build`` are there."""
    return find_spec("ai_edge_litert") is not None


def building(
    report: Report, photo: str, out: str, name: str, consent: str, face: int | None, aspect: str
) -> tuple[dict[str, Any], bytes]:
    """A job: ``{"notes": [...]}``; the avatar is in the file ``out``.

    Where one of several faces is to be chosen: ``{"several": sentence, "sizes": [...]}`` and their pictures, one after the other.
    """
    from bithuman_core.build import build_avatar

    try:
        built = build_avatar(photo, out, consent=consent, name=name, face=face, aspect=aspect, progress=report)
        return {"notes": list(built.notes)}, b""
    except SeveralFacesError as error:
        return {"several": error.message, "sizes": [len(picture) for picture in error.faces]}, b"".join(error.faces)


def build_from_photo(
    pool: ReadingPool, photo: Path, out: Path, name: str, consent: str, face: int | None = None, report: Report = unheard,
    aspect: str = "1:1",
) -> Sequence[str]:
    """Make the ``.imx`` file ``out`` of a photo or clip; returns sentences about what it lacks. Blocks.

    face: which one, 1 the largest; None: the only one. aspect: of the frames, as ``build_avatar`` has it.
    Raises BuildError (SeveralFacesError with their pictures), OSError, or IntakeError where it takes more than
    :data:`~bithuman_core.intake.allowance.PHOTO` (of a clip: ``CLIP``). Nothing half-written is left.
    """
    from bithuman_core.build.photo.sources import is_clip

    with TemporaryDirectory(dir=out.parent) as folder:  # a process that is ended leaves its file where it was
        made = Path(folder, out.name)
        given = {"photo": place_of(photo), "out": place_of(made), "name": name, "consent": consent, "face": face}
        given["aspect"] = aspect
        facts, pictures = pool.run(building, CLIP if is_clip(photo) else PHOTO, report, **given)
        if "several" in facts:
            error, ends = SeveralFacesError(str(facts["several"])), list(accumulate(map(int, facts["sizes"]), initial=0))
            error.faces = tuple(pictures[begin:end] for begin, end in pairwise(ends))
            raise error
        made.replace(out)
    return [str(note) for note in facts["notes"]]
