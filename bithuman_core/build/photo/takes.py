"""Which picture of a clip the avatar is made of, and what the others show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from bithuman_core.build.photo.clip import Clip
from bithuman_core.build.photo.detector import Detection
from bithuman_core.build.photo.faces import ChosenFace, choose_face
from bithuman_core.build.photo.gates import (
    BLUR_WIDTH,
    CLOSED_EYE,
    LUMA,
    MAX_BLUR,
    SMALL_FACE_WIDTH,
    blurriness,
    check_face,
    lid_gaps,
)
from bithuman_core.build.photo.landmarker import EYE_CORNERS, Face, read_face
from bithuman_core.build.photo.models import FaceNets
from bithuman_core.build.photo.observed import Observed, observe
from bithuman_core.build.photo.pixels import face_pixels
from bithuman_core.errors import BuildError

KEPT = 3
"""Pictures kept in full, the best so far: where the first is refused, the next is tried."""
SHARP_BLUR = 0.4
"""Blur of a sharp picture (`blurriness`); at the gate's limit, the score is 0."""
FRONTAL = 10.0
"""Degrees (sigma) of yaw and pitch."""
OPEN_EYES = 0.2
"""Lid gap in eye widths from which eyes count as open; at the gate's limit, the score is 0."""
PARTED = 0.02
"""Face widths (sigma) between the inner lips."""
MOVING = ("jawOpen", "mouthSmileLeft", "mouthSmileRight", "mouthPucker", "mouthFunnel", "browInnerUp", "browOuterUpLeft",
          "eyeSquintLeft", "eyeSquintRight", "eyeLookUpLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookInRight",
          "mouthLeft", "mouthRight", "jawLeft", "jawRight", "mouthFrownLeft", "mouthFrownRight", "mouthPressLeft",
          "mouthPressRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "noseSneerLeft",
          "noseSneerRight", "browDownLeft", "browDownRight")  # fmt: skip
"""Expressions of which a neutral face holds none."""
PAIRS = ("mouthSmile", "mouthFrown", "mouthPress", "mouthUpperUp", "mouthLowerDown", "eyeBlink", "eyeSquint", "browDown",
         "browOuterUp")  # fmt: skip
"""Those that it holds as much of on the left as on the right."""
UNMOVED = 0.4
"""Their norm (sigma) in a calm face."""
LEAST_CLEAR = 0.1
"""Pictures less sharp and frontal than this show nothing of use."""
UPPER_LIP, LOWER_LIP = 13, 14


@dataclass(frozen=True)
class Take:
    """One picture with its face: seconds from the start, how neutral it is 0..1."""

    chosen: ChosenFace
    seconds: float
    score: float


@dataclass(frozen=True)
class Choice:
    """What of a clip the avatar is made of: the face, notes on it, what the other pictures show."""

    chosen: ChosenFace
    notes: list[str]
    seconds: float
    looked_at: int
    observed: Observed


@dataclass
class _Best:
    takes: list[Take] = field(default_factory=list)
    observed: Observed = field(default_factory=Observed)
    looked_at: int = 0
    refusal: BuildError | None = None

    def add(self, take: Take) -> None:
        """Keep the best; of equals the first."""
        self.takes = sorted([*self.takes, take], key=lambda t: -t.score)[:KEPT]


def choose_take(nets: FaceNets, clip: Clip, number: int | None, progress: Callable[[str], None]) -> Choice:
    """The most neutral picture of a clip that a photo's gates let pass; ``number``: which face, 1 the largest.

    Raises `BuildError`: a clip that cannot be read, no face in any picture, none that can be used (the best one's sentence).
    """
    progress("looking through the clip")
    best, before = _Best(), None
    for seconds, image in clip.pictures():
        best.looked_at += 1
        try:
            chosen = _followed(nets, image, before) or choose_face(nets, image, number)
        except BuildError as refusal:
            best.refusal, before = best.refusal or refusal, None
            continue
        before = chosen.face if chosen.image is image else None
        clear = clearness(chosen.face, chosen.image)
        best.add(Take(chosen, seconds, clear * calmness(chosen.face)))
        if clear > LEAST_CLEAR:
            best.observed = best.observed.better(observe(chosen.face, chosen.image, seconds, clear))
    if not best.takes:
        assert best.refusal is not None  # every picture was refused, and there was one
        raise BuildError(f"no picture of the clip can be used ({best.looked_at} were looked at): {best.refusal.message}")
    for take in best.takes:
        try:
            notes = [*take.chosen.notes, *check_face(take.chosen.face, take.chosen.image)]
        except BuildError as refusal:
            best.refusal = refusal if take is best.takes[0] else best.refusal
            continue
        return Choice(take.chosen, [*notes, *_notes(take, best)], take.seconds, best.looked_at, best.observed)
    assert best.refusal is not None
    at = best.takes[0].seconds
    raise BuildError(f"no picture of the clip can be used; of the best one, at {at:.1f} s: {best.refusal.message}")


def clearness(face: Face, image: Image.Image) -> float:
    """How sharp, large and frontal a face is, 0..1."""
    blur = blurriness(face_pixels(face, image, BLUR_WIDTH)[0] @ LUMA)
    sharp = float(np.clip((MAX_BLUR - blur) / (MAX_BLUR - SHARP_BLUR), 0, 1))
    yaw, pitch, _ = face.angles
    return sharp * float(np.exp(-(yaw**2 + pitch**2) / (2 * FRONTAL**2))) * min(1.0, face.width / SMALL_FACE_WIDTH)


def calmness(face: Face) -> float:
    """How near a face is to rest, 0..1: eyes open, mouth closed, nothing in motion."""
    eyes = float(np.clip((min(lid_gaps(face)) - CLOSED_EYE) / (OPEN_EYES - CLOSED_EYE), 0, 1))
    lips = float(np.linalg.norm(face.landmarks[UPPER_LIP] - face.landmarks[LOWER_LIP])) / face.width
    moved = sum(face.blendshapes[name] ** 2 for name in MOVING)
    moved += sum((face.blendshapes[f"{name}Left"] - face.blendshapes[f"{name}Right"]) ** 2 for name in PAIRS)
    return eyes * float(np.exp(-((lips / PARTED) ** 2) / 2) * np.exp(-moved / (2 * UNMOVED**2)))


def _followed(nets: FaceNets, image: Image.Image, before: Face | None) -> ChosenFace | None:
    """The face of the picture before, where the landmark net still sees one there."""
    if before is None:
        return None
    face = read_face(nets, image, Detection(before.box, before.landmarks[EYE_CORNERS, :2], before.score))
    return ChosenFace(face, image, ()) if face is not None else None


def _notes(take: Take, best: _Best) -> list[str]:
    if best.looked_at == 1:
        return ["Only one picture of the clip can be used: it was treated like a photo."]
    used = f"The picture at {take.seconds:.1f} s of the clip was used, of {best.looked_at} looked at"
    named = {"teeth": best.observed.teeth, "the dark of the mouth": best.observed.cavity, "closed lids": best.observed.lids}
    more = [f"{what} from {seen.seconds:.1f} s" for what, seen in named.items() if seen is not None]
    lacking = [what for what, seen in named.items() if seen is None]
    notes = [f"{used}; {', '.join(more)}." if more else f"{used}."]
    if lacking:
        notes.append(f"The clip does not show {' or '.join(lacking)}: made up as for a photo.")
    return notes
