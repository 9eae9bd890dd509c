"""From a photo or clip to an analysed portrait: the stages in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bithuman_core.build.photo.decode import load_photo
from bithuman_core.build.photo.faces import ChosenFace, choose_face
from bithuman_core.build.photo.framing import FRAMINGS
from bithuman_core.build.photo.gates import DRAWN, check_face
from bithuman_core.build.photo.models import FACE_TASK_SHA256, SEGMENTATION_SHA256, load_face_nets, load_segmentation
from bithuman_core.build.photo.observed import Observed
from bithuman_core.build.photo.portrait import Portrait
from bithuman_core.build.photo.sources import is_clip
from bithuman_core.build.scene.covered import covered_eyes, note
from bithuman_core.build.scene.fringe import shared_out
from bithuman_core.build.scene.matte import person
from bithuman_core.build.scene.plate import background
from bithuman_core.build.shape.canvas import FINE, lay_out


def analyse(
    source: str | Path | bytes,
    *,
    face: int | None = None,
    aspect: str = "1:1",
    progress: Callable[[str], None] | None = None,
) -> Portrait:
    """Read one photo or short clip (a path, or the bytes of a file). ``face``: which one, 1 the largest, where there are several.

    ``aspect``: width to height of the canvas, a key of `FRAMINGS` (else KeyError).
    ``progress`` is called with the name of every stage as it begins. The same file gives the same portrait.
    Raises `BuildError` with one sentence where it cannot be used.
    """
    tell = progress or (lambda stage: None)
    look = _look_at_clip if is_clip(source) else _look_at_photo
    seen = look(source, face, tell)
    chosen, notes = seen.chosen, seen.notes
    tell("laying out the canvas")
    framing = FRAMINGS[aspect]
    canvas = lay_out(chosen.face, chosen.image, framing)
    tell("cutting out the person")
    alpha, colours = person(load_segmentation(), canvas)
    tell("continuing the background")
    fine = canvas.density >= FINE
    alpha, colours, plate = shared_out(canvas, alpha, np.clip(colours, 0, 1), background(canvas, alpha), fine)
    covered = covered_eyes(canvas.picture, canvas.landmarks)
    notes += [*canvas.missing(alpha), *note(covered)]
    yaw, pitch, roll = (round(angle, 1) for angle in chosen.face.angles)
    provenance = {
        "source": {
            **seen.source,
            "face": {"width": round(chosen.face.width), "yaw": yaw, "pitch": pitch, "roll": roll},
        },
        "models": {"face_landmarker": FACE_TASK_SHA256, "selfie_segmentation": SEGMENTATION_SHA256},
        "canvas": [framing.width, framing.height],
        "notes": notes,
    }
    return Portrait(colours, canvas.landmarks, chosen.face.blendshapes, alpha, plate, notes, provenance, seen.observed,
                    canvas.corner, covered, fine, DRAWN in notes)  # fmt: skip


@dataclass(frozen=True)
class _Seen:
    """The face that the avatar is made of, sentences for the user, what the avatar file says of its source."""

    chosen: ChosenFace
    notes: list[str]
    source: dict[str, Any]
    observed: Observed


def _look_at_photo(photo: str | Path | bytes, face: int | None, tell: Callable[[str], None]) -> _Seen:
    tell("reading the photo")
    source = load_photo(photo)
    tell("finding the face")
    chosen = choose_face(load_face_nets(), source.image, face)
    notes = [*source.notes, *chosen.notes, *check_face(chosen.face, chosen.image)]
    return _Seen(chosen, notes, {"kind": "photo", "sha256": source.sha256, "size": list(source.image.size)}, Observed())


def _look_at_clip(clip: str | Path | bytes, face: int | None, tell: Callable[[str], None]) -> _Seen:
    from bithuman_core.build.photo.clip import Clip  # brings FFmpeg along, which photos do not need
    from bithuman_core.build.photo.takes import choose_take

    tell("reading the clip")
    source = Clip(clip if isinstance(clip, bytes) else Path(clip))
    choice = choose_take(load_face_nets(), source, face, tell)
    about = {"kind": "clip", "sha256": source.sha256, "size": list(choice.chosen.image.size), "seconds": round(choice.seconds, 2)}
    return _Seen(choice.chosen, [*source.notes, *choice.notes], about, choice.observed)
