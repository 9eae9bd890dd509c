"""The matte of a film: how much of each px is the person, and what is behind her; both are films themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bithuman_core.render.footage.film import Film, FilmPlayer
from bithuman_core.render.matte.layers import lift

COARSE = 4  # px of the frame to one of the film of the background
BLACK, WHITE = 16, 235  # luma of alpha 0 and 1
SURE = 3  # levels from these that are what coding leaves of them


@dataclass(frozen=True)
class Matte:
    """cover: its luma is alpha, of the size of the frames. behind: the background, continued behind the person, a quarter as wide
    and high. As many frames, and as many to a group, as the film has that they belong to."""

    cover: Film
    behind: Film

    def plate(self, frame: int) -> NDArray[np.uint8]:
        """The background of a frame at the size of the frames, BGR [h, w, 3]."""
        behind = FilmPlayer(self.behind).frame(frame)
        return np.asarray(Image.fromarray(behind).resize(self.cover.size, Image.Resampling.BICUBIC))


def coded_luma(alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Alpha 0..255 as the luma of a film of limited range."""
    return (BLACK + (alpha.astype(np.uint16) * (WHITE - BLACK) + 127) // 255).astype(np.uint8)


def _alpha_of_luma() -> NDArray[np.uint8]:
    levels = (np.arange(256) - (BLACK + SURE)) * 255.0 / (WHITE - BLACK - 2 * SURE)
    table = np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
    table.flags.writeable = False
    return table


ALPHA = _alpha_of_luma()  # [256] by luma


class MattePlayer:
    """Takes the person out of the frames of a film, for one session."""

    def __init__(self, matte: Matte) -> None:
        self._cover, self._behind = FilmPlayer(matte.cover), FilmPlayer(matte.behind)

    def lift(
        self, index: int, picture: NDArray[np.uint8], ahead: Iterable[int], person: NDArray[np.uint8], cover: NDArray[np.uint8]
    ) -> None:
        """person [h, w, 3] = the colours of frame ``index`` times alpha, without those of the background; cover [h, w] = alpha.

        picture: the frame, BGR [h, w, 3]. ahead: frames that will be asked for next. Raises ModelLoadError where it is damaged.
        """
        lift(picture, self._cover.luma(index, ahead), ALPHA, self._behind.frame(index, ahead), person, cover)
