"""What a photo must offer: every refusal names what was measured and the limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from bithuman_core.build.photo.colour import LUMA, srgb_to_lab
from bithuman_core.build.photo.landmarker import CHIN, FOREHEAD, Face
from bithuman_core.build.photo.pixels import face_pixels
from bithuman_core.build.photo.stylised import eyes_of_stone, large_eyes
from bithuman_core.errors import BuildError

MIN_FACE_WIDTH = 90
SMALL_FACE_WIDTH = 200
MAX_YAW, MAX_PITCH = 25.0, 25.0
CLOSED_EYE, NARROW_EYE = 0.1, 0.16
"""Lid gap in eye widths."""
WINK = 0.5
"""Gap of one eye in units of the other one's: faces with both eyes open have .8 and more."""
SPARE = 0.02
"""Face widths that landmarks may lie beyond the photo's edge: the net guesses them a few px beside their place."""
MAX_BLUR, SOFT_BLUR = 0.68, 0.5
"""A Gaussian blur of 2 % of the face width measures .66 to .80, a sharp photo under .45, a face of 60 px enlarged .5 to .6."""
MIN_BRIGHTNESS, DIM_BRIGHTNESS = 0.07, 0.2
MIDDLE_BRIGHTNESS = 0.5
"""Median luma of the face, sRGB as stored; a dark face is brought to the last one before its colours are compared."""
GREY_CHROMA, STONE_CHROMA, FUR_CHROMA = 0.02, 0.06, 0.15
"""Mean distance of the colours from grey, as a share of the brightness: what is below is black and white, stone, may be fur."""
SURELY_HUMAN = 0.86
"""The detector's score from which fur does not count: people have .86 and more, monkeys and dogs .67 to .85."""
DRAWN_FLATNESS = 0.45
"""Share of the px above the nose that equal their neighbour: .6 and more in drawings, .4 in a JPEG of quality 30."""
PAINTED_OVER = 0.35
"""By how much that share differs above and below the nose where one of them is painted over, and not drawn."""
PURE_WHITE = 253 / 255
OVEREXPOSED, ALL_WHITE = 0.1, 0.6
"""Share of the face that is white: a note; so little is left that the lips cannot be judged."""
LEAST_TOLD = 0.1
"""Share of a face's px that must not be white or black for a drawing to be told from a photo."""
SKIN_MATCH, COVERED_CONTRAST, FLAT_CONTRAST = 0.4, 5.0, 2.5
"""Colour around the mouth as a share of the cheeks' colour; distance of the lips from it in L*a*b* where it matches or not."""

MEASURED_WIDTH = 256
BLUR_WIDTH = 128
"""Widths the face is brought to before it is measured, px."""
DRAWN = "The picture looks drawn: mouth and eyes of the avatar take its colours, but move like a person's."
LIDS = ((159, 145, 33, 133), (386, 374, 362, 263))
"""Upper and lower lid, both corners; image left eye first."""
NEEDED = {"the mouth": [61, 291, 0, 17], "the chin": [CHIN], "an eye": [33, 133, 362, 263], "the forehead": [FOREHEAD]}
NOSE = 4
CHEEKS = [50, 280, 117, 346, 101, 330, 151, 9, 4]
AROUND_MOUTH = [200, 199, 18, 428, 208, 212, 432, 164, 167, 393]
LIPS = [37, 267, 0, 17, 84, 314, 12, 15]


def check_face(face: Face, image: Image.Image) -> list[str]:
    """Notes on a face that can be used; raises `BuildError` with one sentence where it cannot."""
    _check_human(face, image)
    return [
        *_check_size(face),
        *_check_angles(face),
        *_check_frame(face, image),
        *_check_eyes(face),
        *_check_picture(face, image),
    ]


def _check_human(face: Face, image: Image.Image) -> None:
    pixels, points = face_pixels(face, image, MEASURED_WIDTH)
    inside = _inside(points, pixels.shape[:2])
    overexposed = (pixels.min(-1) >= PURE_WHITE)[inside].mean() > OVEREXPOSED
    if face.score < SURELY_HUMAN and GREY_CHROMA < _chroma(pixels, inside) < FUR_CHROMA and not overexposed:
        raise BuildError(
            f"found no human face in the photo (what resembles one is {100 * face.score:.0f} % likely and has not the colour of "
            f"skin; {100 * SURELY_HUMAN:.0f} % is needed): use a clear photo of one person from the front"
        )


def _check_size(face: Face) -> list[str]:
    if face.width < MIN_FACE_WIDTH:
        raise BuildError(f"the face is {int(face.width)} px wide and {MIN_FACE_WIDTH} are needed: use a larger or closer photo")
    if face.width < SMALL_FACE_WIDTH:
        return [f"The face is only {int(face.width)} px wide: the avatar will look soft; {SMALL_FACE_WIDTH} px make it sharp."]
    return []


def _check_angles(face: Face) -> list[str]:
    yaw, pitch, _ = face.angles
    if round(abs(yaw)) > MAX_YAW:
        side = "right" if yaw > 0 else "left"
        raise BuildError(
            f"the head is turned {abs(yaw):.0f} degrees to the {side} of the picture and {MAX_YAW:.0f} are allowed: "
            "use a photo that looks into the camera"
        )
    if round(abs(pitch)) > MAX_PITCH:
        way = "up" if pitch > 0 else "down"
        raise BuildError(
            f"the head is tipped {abs(pitch):.0f} degrees {way} and {MAX_PITCH:.0f} are allowed: hold the camera at eye level"
        )
    return []


def _check_frame(face: Face, image: Image.Image) -> list[str]:
    points, size = face.landmarks[:, :2], np.array(image.size)
    for part, numbers in NEEDED.items():
        over = int(np.ceil(np.maximum(-points[numbers], points[numbers] - size).max()))
        if over > SPARE * face.width:
            raise BuildError(f"{part} is cut off by the photo's edge ({over} px are missing): use one that shows the whole head")
    return []


def _check_eyes(face: Face) -> list[str]:
    gaps = lid_gaps(face)
    if min(gaps) < CLOSED_EYE:
        which = "the eyes are" if max(gaps) < CLOSED_EYE else "one eye is"
        raise BuildError(
            f"{which} closed (lids {100 * min(gaps):.0f} % of an eye's width apart, {100 * CLOSED_EYE:.0f} % are needed): "
            "use a photo with open eyes"
        )
    if min(gaps) < WINK * max(gaps):
        raise BuildError(
            f"one eye is closed more than the other (lids {100 * min(gaps):.0f} % and {100 * max(gaps):.0f} % of an eye's width "
            "apart): use a photo with both eyes open"
        )
    if min(gaps) < NARROW_EYE:
        return [f"The eyes are nearly closed (lids {100 * min(gaps):.0f} % of an eye's width apart): the avatar will look tired."]
    return []


def lid_gaps(face: Face) -> list[float]:
    """How far the lids of both eyes are apart, in widths of the eye; image left eye first."""
    return [_lid_gap(face.landmarks, *numbers) for numbers in LIDS]


def _lid_gap(points: NDArray[np.float32], upper: int, lower: int, left: int, right: int) -> float:
    return float(np.linalg.norm(points[upper] - points[lower]) / np.linalg.norm(points[right] - points[left]))


def _check_picture(face: Face, image: Image.Image) -> list[str]:
    notes = []
    pixels, points = face_pixels(face, image, MEASURED_WIDTH)
    luma = pixels @ LUMA
    inside = _inside(points, luma.shape)
    brightness = float(np.median(luma[inside]))
    if brightness < MIN_BRIGHTNESS:
        raise BuildError(
            f"the face is too dark (brightness {100 * brightness:.0f} %, {100 * MIN_BRIGHTNESS:.0f} % is needed): "
            "use a photo with more light"
        )
    if brightness < DIM_BRIGHTNESS:
        notes.append(f"The face is dark (brightness {100 * brightness:.0f} %): the avatar will be, too.")
    blur = blurriness(face_pixels(face, image, BLUR_WIDTH)[0] @ LUMA)
    if blur > MAX_BLUR:
        raise BuildError(
            f"the face is too blurred (blur {100 * blur:.0f} %, {100 * MAX_BLUR:.0f} % is allowed): use a sharper photo"
        )
    if blur > SOFT_BLUR:
        notes.append(f"The face is soft (blur {100 * blur:.0f} %): so is the avatar.")
    whites = pixels.min(-1) >= PURE_WHITE
    white = float(whites[inside].mean())
    chroma = _chroma(pixels, inside & ~whites)
    if chroma < GREY_CHROMA:
        notes.append("The photo is black and white: so is the avatar.")
    elif chroma < STONE_CHROMA:
        notes.append("The face has hardly any colour: a statue or a mask will move like a person.")
    if white > OVEREXPOSED:
        notes.append(
            f"The face is overexposed ({100 * white:.0f} % of it is white): the avatar lacks what the photo does not show."
        )
    nose = int(points[NOSE, 1])
    above, below = _flatness(pixels[:nose], inside[:nose]), _flatness(pixels[nose:], inside[nose:])
    if above > DRAWN_FLATNESS and below < above - PAINTED_OVER and brightness >= DIM_BRIGHTNESS:
        raise BuildError(
            f"a part of the face seems to be painted over ({100 * above:.0f} % of it has one colour above the nose and "
            f"{100 * below:.0f} % below it): use a photo that shows the whole face"
        )
    if eyes_of_stone(face, image):
        notes.append("The eyes have the colour of the skin: a statue, a mask or an old painting will move like a person.")
    if (above > DRAWN_FLATNESS and brightness >= DIM_BRIGHTNESS) or large_eyes(face):
        notes.append(DRAWN)
    elif white < ALL_WHITE:  # lips may be a line in a drawing
        _check_mouth(srgb_to_lab(np.clip(pixels * max(1.0, MIDDLE_BRIGHTNESS / brightness), 0, 1)), points, white)
    return notes


def _chroma(pixels: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """Mean distance of the px [h, w, 3] of a face [h, w] from grey; 1 where none are left to tell."""
    luma = pixels @ LUMA
    off = (np.abs(pixels - luma[..., None]).mean(-1) / np.maximum(luma, 0.02))[inside]
    return float(off.mean()) if off.size else 1.0


def _flatness(pixels: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """Share of the px [h, w, 3] of a face [h, w] that equal their neighbour; channels at their end say nothing of it."""
    before, after = pixels[:, :-1], pixels[:, 1:]
    ended = (before == after) & ((before >= PURE_WHITE) | (before == 0))
    told = inside[:, 1:] & ~ended.any(-1)
    return float((before == after).all(-1)[told].mean()) if told.mean() > LEAST_TOLD * inside.mean() else 0.0


def _check_mouth(lab: NDArray[np.float32], points: NDArray[np.float32], white: float) -> None:
    """White: share of the face that is white and says nothing."""
    contrast, needed = lip_contrast(lab, points)
    if contrast < needed:
        covered = "covered" if white < OVEREXPOSED else f"covered or overexposed ({100 * white:.0f} % of the face are white)"
        raise BuildError(
            f"the mouth seems to be {covered} (lips differ by {contrast:.1f} steps of colour from what is around them, "
            f"{needed} are needed): use a photo that shows the whole face"
        )


def lip_contrast(lab: NDArray[np.float32], points: NDArray[np.float32]) -> tuple[float, float]:
    """How far the colour of the lips lies from that around them, and how far it must, L*a*b*.

    A mask has another colour than the cheeks and no lips; a hand has the colour, but no lips either.
    """
    cheeks, around, lips = (_colour_at(lab, points[numbers]) for numbers in (CHEEKS, AROUND_MOUTH, LIPS))
    expected = cheeks[1:] * around[0] / max(float(cheeks[0]), 1.0)
    strength = float(expected @ expected)
    match = float(around[1:] @ expected) / strength if strength > 4 else 1.0
    return float(np.linalg.norm(lips - around)), COVERED_CONTRAST if match < SKIN_MATCH else FLAT_CONTRAST


def _colour_at(lab: NDArray[np.float32], points: NDArray[np.float32], radius: int = 4) -> NDArray[np.float32]:
    """Median of the colours at points [N, 2]."""
    found = []
    for x, y in np.clip(points.astype(int), 0, np.array(lab.shape[1::-1]) - 1):
        spot = lab[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        found.append(np.median(spot.reshape(-1, 3), axis=0))
    return np.median(found, axis=0)


def _inside(points: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The ellipse of the face from brow to chin: skin, mostly."""
    low, high = points[:468].min(0), points[:468].max(0)
    middle, radius = (low + high) / 2, (high - low) / 2 * 0.8
    y, x = np.ogrid[: shape[0], : shape[1]]
    return ((x + 0.5 - middle[0]) / radius[0]) ** 2 + ((y + 0.5 - middle[1]) / radius[1]) ** 2 < 1


def blurriness(luma: NDArray[np.float32], size: int = 9) -> float:
    """How little a further blur changes a picture [h, w]: 0 sharp .. 1 blurred. Crété et al., "The blur effect" (2007)."""
    values = []
    for axis in (0, 1):
        change = np.abs(np.diff(luma, axis=axis))
        blurred = np.abs(np.diff(ndimage.uniform_filter1d(luma, size, axis=axis), axis=axis))
        total = float(change.sum())
        values.append(1 - float(np.maximum(change - blurred, 0).sum()) / max(total, 1e-6))
    return max(values)
