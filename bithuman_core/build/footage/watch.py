"""What the whole pictures of a clip tell while they pass: cuts, light that jumps, other people."""

from __future__ import annotations

import numpy as np
from PIL import Image

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.faces import find_faces
from bithuman_core.build.photo.landmarker import Face
from bithuman_core.build.photo.models import FaceNets

THUMB = 32  # px
LOOKED_AT = 12  # frames from one to the next that other faces are looked for in


def thumb(picture: Array) -> Array:
    """The picture made tiny, f32 [32, 32, 3]."""
    return np.asarray(Image.fromarray(picture).resize((THUMB, THUMB), Image.Resampling.BOX), np.float32)


def changes(thumbs: list[Array]) -> Array:
    """Levels (0..255, rms) by which each picture differs from the one before; the first: 0."""
    small = np.stack(thumbs)
    return np.concatenate([[0.0], np.sqrt(((small[1:] - small[:-1]) ** 2).mean((1, 2, 3)))])


class Watch:
    """Looks at pictures, one after the other."""

    def __init__(self, nets: FaceNets | None, begin: int = 0) -> None:
        """Nets: None where it does not matter who else is in the picture. begin: frames of the clip before the first one."""
        self._nets, self.begin = nets, begin
        self._thumbs: list[Array] = []
        self.crowds: list[tuple[int, list[Face]]] = []
        """Frames that show several faces, and these, the largest first."""

    def see(self, picture: Array) -> None:
        """The next picture, RGB uint8 [h, w, 3]."""
        at = len(self._thumbs)
        if self._nets is not None and at % LOOKED_AT == 0:
            faces, _ = find_faces(self._nets, Image.fromarray(picture))
            if len(faces) > 1:
                self.crowds.append((at, faces))
        self._thumbs.append(thumb(picture))

    @property
    def changes(self) -> Array:
        """See :func:`changes`."""
        return changes(self._thumbs)
