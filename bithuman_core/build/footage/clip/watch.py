"""What the whole pictures of a clip tell while they pass: cuts, light that jumps, other people."""

from __future__ import annotations

import numpy as np
from PIL import Image

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.faces import find_faces
from bithuman_core.build.photo.landmarker import Face
from bithuman_core.build.photo.models import FaceNets

THUMB = 32  # px
LOOKED_AT = 25  # frames from one to the next that other faces are looked for in


class Changes:
    """By how much each picture differs from the one before."""

    def __init__(self) -> None:
        self._before: Array | None = None
        self._levels: list[float] = []

    def see(self, picture: Array) -> None:
        """The next picture, RGB uint8 [h, w, 3]."""
        small = np.asarray(Image.fromarray(picture).resize((THUMB, THUMB), Image.Resampling.BOX), np.float32)
        self._levels.append(0.0 if self._before is None else float(np.sqrt(((small - self._before) ** 2).mean())))
        self._before = small

    def __len__(self) -> int:
        """Pictures seen."""
        return len(self._levels)

    @property
    def levels(self) -> Array:
        """[n] 0..255, rms of the pictures made tiny; 0 for the first one."""
        return np.array(self._levels)


class Watch:
    """Looks at pictures, one after the other."""

    def __init__(self, nets: FaceNets | None, begin: int = 0) -> None:
        """Nets: None where it does not matter who else is in the picture. begin: frames of the clip before the first one."""
        self._nets, self.begin = nets, begin
        self.changes = Changes()
        self.crowds: list[tuple[int, list[Face]]] = []
        """Frames that show several faces, and these, the largest first."""

    def see(self, picture: Array) -> None:
        """The next picture, RGB uint8 [h, w, 3]."""
        at = len(self.changes)
        if self._nets is not None and at % LOOKED_AT == 0:
            faces, _ = find_faces(self._nets, Image.fromarray(picture))
            if len(faces) > 1:
                self.crowds.append((at, faces))
        self.changes.see(picture)
