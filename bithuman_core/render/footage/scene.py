"""What a film stands before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bithuman_core.background import OWN, Background, Kind
from bithuman_core.errors import BackgroundError
from bithuman_core.render.footage.rig import FootageRig
from bithuman_core.render.matte.scene import Scene, stage

NO_MATTE = (
    "The film of this avatar has no matte, so it cannot stand before another background than its own: build it again with this "
    "version, or choose photo."
)


@dataclass(frozen=True, eq=False)
class FilmScene(Scene):
    """A scene of a film."""


def film_scene(rig: FootageRig, background: Background = OWN) -> FilmScene:
    """The scene of a background for a film, some 20 ms of work. Raises BackgroundError where it has no matte."""
    if background.kind is Kind.PHOTO:
        return FilmScene(background)
    if rig.matte is None:
        raise BackgroundError(NO_MATTE)
    width, height = rig.size
    blurred = background.kind is Kind.BLUR
    return FilmScene(
        background, stage(background, rig.matte.plate(rig.best) if blurred else np.empty((height, width, 3), np.uint8))
    )
