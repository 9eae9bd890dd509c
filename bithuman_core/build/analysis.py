"""From a photo to an analysed portrait: the stages in their order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bithuman_core.build.canvas import lay_out
from bithuman_core.build.decode import load_photo
from bithuman_core.build.faces import choose_face
from bithuman_core.build.gates import check_face
from bithuman_core.build.matte import person
from bithuman_core.build.models import FACE_TASK_SHA256, SEGMENTATION_SHA256, load_face_nets, load_segmentation
from bithuman_core.build.plate import background
from bithuman_core.build.portrait import CANVAS, Portrait


def analyse(photo: str | Path | bytes, *, face: int | None = None, progress: Callable[[str], None] | None = None) -> Portrait:
    """Read one photo (a path, or the bytes of a file). ``face``: which one, 1 the largest, where there are several.

    ``progress`` is called with the name of every stage as it begins. The same photo gives the same portrait.
    Raises `BuildError` with one sentence where the photo cannot be used.
    """
    tell = progress or (lambda stage: None)
    tell("reading the photo")
    source = load_photo(photo)
    tell("finding the face")
    chosen = choose_face(load_face_nets(), source.image, face)
    notes = [*source.notes, *chosen.notes, *check_face(chosen.face, chosen.image)]
    tell("laying out the canvas")
    canvas = lay_out(chosen.face, chosen.image)
    tell("cutting out the person")
    alpha, colours = person(load_segmentation(), canvas)
    tell("continuing the background")
    plate = background(canvas, alpha)
    notes += canvas.missing(alpha)
    yaw, pitch, roll = (round(angle, 1) for angle in chosen.face.angles)
    provenance = {
        "source": {
            "kind": "photo",
            "sha256": source.sha256,
            "size": list(source.image.size),
            "face": {"width": round(chosen.face.width), "yaw": yaw, "pitch": pitch, "roll": roll},
        },
        "models": {"face_landmarker": FACE_TASK_SHA256, "selfie_segmentation": SEGMENTATION_SHA256},
        "canvas": CANVAS,
        "notes": notes,
    }
    return Portrait(np.clip(colours, 0, 1), canvas.landmarks, chosen.face.blendshapes, alpha, plate, notes, provenance)
