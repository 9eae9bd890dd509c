"""Which face of the photo the avatar is made of."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from bithuman_core.build.photo.detector import MIN_SCORE, detect_faces
from bithuman_core.build.photo.gates import MIN_FACE_WIDTH
from bithuman_core.build.photo.landmarker import Face, read_face
from bithuman_core.build.photo.models import FaceNets
from bithuman_core.errors import BuildError, SeveralFacesError

PORTRAIT, PORTRAIT_ROOM = 160, 1.4
"""Px a side of the pictures that faces are chosen by; their side in units of the face's box."""
BYSTANDER = 1 / 3
"""Faces narrower than this share of the largest one stand in the background and are not offered."""
DOUBTFUL = 0.7
"""Nor are those that score lower than this share of the best."""
UPRIGHT = 45.0
"""Degrees a head may lean before the photo is taken to lie on its side."""
SURE = 0.85
"""Where a face of an upright photo scores this, the photo is not tried on its side."""
SURER = 0.05
"""How much better a face must score on a turned photo: upside down, a covered face can look like another one."""
TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_180)


@dataclass(frozen=True)
class ChosenFace:
    """The face, the photo it lies in (turned where it lay on its side), sentences for the user."""

    face: Face
    image: Image.Image
    notes: tuple[str, ...]


def choose_face(nets: FaceNets, image: Image.Image, number: int | None) -> ChosenFace:
    """The only face of an RGB photo, or face ``number`` (1 = the largest).

    Raises `SeveralFacesError`, several and no number, or `BuildError`: no face, no such number.
    """
    faces, best = find_faces(nets, image)
    notes: tuple[str, ...] = ()
    upright = image
    if _sureness(faces) < SURE:
        for turn in TURNS:
            turned = image.transpose(turn)
            found, score = find_faces(nets, turned)
            best = max(best, score)
            if _sureness(found) > _sureness(faces) + SURER and found[0].width >= MIN_FACE_WIDTH:
                faces, upright = found, turned
                notes = ("The photo lay on its side: it was turned upright.",)
    if not faces:
        weak = f"a face is {100 * best:.0f} % likely; {100 * MIN_SCORE:.0f} % is needed"
        seen = weak if best < MIN_SCORE else "what resembles one has no human eyes, nose and mouth"
        raise BuildError(f"found no human face in the photo ({seen}): use a clear photo of one person from the front")
    return ChosenFace(_pick(faces, number, upright), upright, notes)


def _sureness(faces: list[Face]) -> float:
    """Score of the surest upright face."""
    return max((face.score for face in faces if abs(face.angles[2]) < UPRIGHT), default=0.0)


def find_faces(nets: FaceNets, image: Image.Image) -> tuple[list[Face], float]:
    """Faces of a photo, widest first, and the detector's best score."""
    detections, best = detect_faces(nets.detector, image)
    found = [face for detection in detections if (face := read_face(nets, image, detection))]
    sure = DOUBTFUL * max((face.score for face in found), default=0.0)
    found = sorted((face for face in found if face.score >= sure), key=lambda face: -face.width)
    faces: list[Face] = []
    for face in found:
        if face.width < BYSTANDER * found[0].width:
            break
        middle = (face.box[:2] + face.box[2:]) / 2
        if not any((other.box[:2] < middle).all() and (middle < other.box[2:]).all() for other in faces):
            faces.append(face)
    return faces, best


def _pick(faces: list[Face], number: int | None, image: Image.Image) -> Face:
    if number is None and len(faces) == 1:
        return faces[0]
    places = ", ".join(f"{i} is {f.width:.0f} px wide at {_middle(f)}" for i, f in enumerate(faces, 1))
    if number is None and faces[0].width < MIN_FACE_WIDTH:
        raise BuildError(
            f"found {len(faces)} faces, the largest {faces[0].width:.0f} px wide, and {MIN_FACE_WIDTH} are needed: "
            "use a larger photo, or one closer to the person"
        )
    if number is None:
        ways = "cut the photo around one, or give its number as the face"
        error = SeveralFacesError(f"found {len(faces)} faces ({places}): {ways}")
        error.faces = tuple(_portrait(face, image) for face in faces)
        raise error
    if not 1 <= number <= len(faces):
        raise BuildError(f"there is no face {number}: found {len(faces)} ({places})")
    return faces[number - 1]


def _portrait(face: Face, image: Image.Image) -> bytes:
    """A small picture of a face, JPEG."""
    middle, half = (face.box[:2] + face.box[2:]) / 2, PORTRAIT_ROOM * float((face.box[2:] - face.box[:2]).max()) / 2
    left, top, right, bottom = (float(v) for v in (*(middle - half), *(middle + half)))
    out = BytesIO()
    image.crop((round(left), round(top), round(right), round(bottom))).resize((PORTRAIT, PORTRAIT)).save(out, "JPEG", quality=85)
    return out.getvalue()


def _middle(face: Face) -> str:
    x, y = np.round((face.box[:2] + face.box[2:]) / 2).astype(int)
    return f"x {x}, y {y}"
