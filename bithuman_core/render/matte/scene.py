"""A background made ready for one avatar, before any frame: a still picture of the size of its frames, and the person cut out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from bithuman_core.background import OWN, Background, Kind

BLURRED = 1 / 28  # of the shorter side of the frames: sigma of the blur


@dataclass(frozen=True, eq=False)
class Scene:
    """What an avatar stands before. plate: BGR uint8 [h, w, 3], black where it is transparent, None: the avatar's own."""

    background: Background = OWN
    plate: NDArray[np.uint8] | None = None

    @property
    def transparent(self) -> bool:
        """Whether its frames have an alpha."""
        return self.background.kind is Kind.TRANSPARENT


def stage(background: Background, own: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The plate of a background, BGR [h, w, 3], as large as ``own``, the avatar's own plate; None: that one itself.

    A picture of another aspect fills the frame: what it has too much of is cut off on both sides.
    """
    if background.kind is Kind.PHOTO:
        return None
    height, width = own.shape[:2]
    plate = np.zeros((height, width, 3), np.uint8)
    if background.kind is Kind.COLOUR:
        plate[:] = background.colour[::-1]
    elif background.kind is Kind.BLUR:
        plate[:] = np.asarray(Image.fromarray(own).filter(ImageFilter.GaussianBlur(BLURRED * min(width, height))))
    elif background.picture is not None:
        fitted = ImageOps.fit(Image.fromarray(background.picture), (width, height), Image.Resampling.LANCZOS)
        plate[:] = np.asarray(fitted)[..., ::-1]
    plate.flags.writeable = False
    return plate
