"""What a renderer of films asks of a device, noted."""

from __future__ import annotations

import numpy as np

from bithuman_core.render.footage.cut_out import Before
from bithuman_core.render.footage.renderer import Face, Picture
from bithuman_core.render.footage.turning import Turned
from bithuman_core.render.gpu.faces import Asked


class Noted:
    """Stands in the place of the device; nothing is drawn. ``asked``: all of it."""

    coded = True

    def __init__(self) -> None:
        self.asked = list[Asked]()

    def draw(self, picture: Picture | Turned | Before, face: Face | None, out: Picture) -> None:
        assert not isinstance(picture, np.ndarray)
        self.asked.append(Asked(picture, face))
