"""Eyes that nobody sees: dark or tinted glasses, a patch. A lid would close before them like skin painted on a lens.

Skin in deep shade is dark as well, but around an eye that differs from it; a lens or a patch has one colour from brow to cheek.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.colour import LUMA, srgb_to_lab
from bithuman_core.build.photo.stylised import BELOW, EYES
from bithuman_core.build.scene import glasses
from bithuman_core.build.skin.skin import frame_sharp

ABOVE = {"left": (257, 258, 259, 286, 443, 444, 442), "right": (27, 28, 29, 56, 223, 224, 222)}
CHEEKS = {"left": (280, 425, 266, 411), "right": (50, 205, 36, 187)}
"""MediaPipe numbers by side: the skin above an eye, the cheek that no lens reaches."""
SPOT = 3  # px about a point whose median is its colour
DARK, DARK_ABOVE = 0.4, 0.5  # brightness of an opaque lens below and above the eye in units of the cheek's
LITTLE, LITTLE_OF_IT = 0.06, 0.5  # most contrast in it, in the same units, and as a share of its brightness: shade keeps an eye's
ALIKE = 0.1  # difference in brightness between lens over the eye and beside it
FOREIGN, FLAT = 12.0, 0.12  # distance in colour (L*a*b*) of a mirror or a bright patch from the cheek's; contrast in it at most
TINTED = (22.0, 15.0)  # the same of coloured glasses, below and above the eye
SHADED, SHADED_COLOUR = 0.62, 5.0  # brightness and distance in colour of what is seen through tinted glasses with a frame
PLAIN = 0.6  # contrast of an eye that no lens is before: under a cap, the sun is on the cheeks alone
BRIGHT = 0.5  # to which colours are brought before they are compared


def covered_eyes(picture: Array, landmarks: Array) -> tuple[str, ...]:
    """Which eyes ("left", "right": the person's own) are behind something dark or tinted in a canvas picture [H, W, 3]."""
    worn = glasses.worn(frame_sharp(picture), landmarks)
    looks = {side: _Look(picture, landmarks, side) for side in EYES}
    if all(look.tinted or (worn and look.shaded) for look in looks.values()):
        return tuple(looks)
    return tuple(side for side, look in looks.items() if look.opaque)


class _Look:
    """An eye beside the cheek below it: brightness in units of the cheek's, distances in colour in L*a*b*."""

    def __init__(self, picture: Array, landmarks: Array, side: str) -> None:
        mask = Image.new("1", (picture.shape[1], picture.shape[0]))
        ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in landmarks[list(EYES[side]), :2]], fill=1)
        inside = picture[np.asarray(mask)]
        cheek, below, above = (_colour(picture, landmarks, marks[side]) for marks in (CHEEKS, BELOW, ABOVE))
        eye = np.median(inside, axis=0) if len(inside) else below
        unit = max(float(cheek @ LUMA), 0.02)
        self._below, self._above, self._eye = (float(colour @ LUMA) / unit for colour in (below, above, eye))
        dark, light = np.quantile(inside @ LUMA, (0.1, 0.9)) / unit if len(inside) else (0.0, 0.0)
        self._contrast = float(light - dark)
        colours = np.array([cheek, below, above, eye], np.float32)
        colours *= BRIGHT / np.maximum(colours @ LUMA, 0.02)[:, None]  # shade is skin with less light
        lab = srgb_to_lab(np.clip(colours, 0, 1))[:, 1:]
        self._far_below, self._far_above, self._far_eye = [float(np.linalg.norm(colour - lab[0])) for colour in lab[1:]]

    @property
    def opaque(self) -> bool:
        """Nothing is seen of the eye."""
        if abs(self._eye - self._below) > ALIKE:
            return False
        dark = self._below < DARK and self._above < DARK_ABOVE and self._contrast < max(LITTLE, LITTLE_OF_IT * self._below)
        foreign = min(self._far_below, self._far_eye) > FOREIGN and self._contrast < FLAT
        return dark or foreign

    @property
    def tinted(self) -> bool:
        """It is seen through something of a strong colour."""
        return self.opaque or (self._far_below > TINTED[0] and self._far_above > TINTED[1])

    @property
    def shaded(self) -> bool:
        """It is seen through something that may be tinted, where there is a frame about it."""
        return max(self._below, self._above) < SHADED and self._far_below > SHADED_COLOUR and self._contrast < PLAIN


def _colour(picture: Array, landmarks: Array, marks: tuple[int, ...]) -> Array:
    """The median [3] about points of the face."""
    spots = []
    for x, y in np.clip(landmarks[list(marks), :2].astype(int), 0, np.array(picture.shape[1::-1]) - 1):
        spot = picture[max(0, y - SPOT) : y + SPOT + 1, max(0, x - SPOT) : x + SPOT + 1]
        spots.append(np.median(spot.reshape(-1, 3), axis=0))
    return np.median(spots, axis=0)


def note(sides: tuple[str, ...]) -> list[str]:
    """What the user is told of covered eyes."""
    if not sides:
        return []
    which = "The eyes are" if len(sides) > 1 else f"The {''.join(sides)} eye is"
    return [f"{which} behind dark glasses or a patch: what the photo does not show neither blinks nor looks around."]
