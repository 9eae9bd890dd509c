"""What is drawn over a frame, and where: the face, the skirt around its jaw, the inside of its mouth."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.footage.around import JawSkirt
from bithuman_core.render.footage.posing import find_moved

Floats = NDArray[np.float32]
Box = tuple[int, int, int, int]  # left, top, width, height, px
BEYOND_BOX = 5  # px of the mouth's box around the lips
BEYOND_MOVED = 8  # px of the box around vertices that move: their triangles end at others
NOWHERE: Box = (0, 0, 0, 0)


@dataclass(frozen=True)
class Opening:
    """The inside of an open mouth: a patch of colours [h, w, 3], and a grid of points that carries it."""

    patch: Floats
    points: Floats  # [k, 3] frame px
    places: Floats  # [k, 2] px of the patch
    light: Floats  # [k] 0..1
    triangles: NDArray[np.int32]


@dataclass(frozen=True)
class Moved:
    """A face moved within its frame: V vertices."""

    source: Floats  # [V, 3] where they are, frame px and depth
    target: Floats  # [V, 3] where they go
    fetched: Floats  # [V, 2] where their colour lies
    near_lips: NDArray[np.uint8]  # [V] 1 where the lips may turn even if nothing moves
    jaw: Floats  # [2, m, 2] the jaw line: source, target
    face_width: float  # frame px
    lips: Floats  # [40, 2] target of the inner lips


@dataclass(frozen=True)
class Layers:
    """Of one moved face: which vertices of the mesh take part [V], the skirt's k points, the boxes of the frame concerned."""

    active: NDArray[np.uint8]
    skirt: Floats  # [k, 3] where it goes
    skirt_fetched: Floats  # [k, 2] where its colour lies
    skirt_light: Floats  # [k]
    skirt_active: NDArray[np.uint8]  # [k]
    box: Box
    mouth: Box  # with four samples a px; NOWHERE where nothing is seen between the lips


class FaceLayers:
    """Finds the layers of moved faces in frames of one size. Holds scratch buffers only."""

    def __init__(self, size: tuple[int, int], vertices: int, jaw_points: int) -> None:
        self._size = size
        self._skirt = JawSkirt(jaw_points)
        self._active, self._bounds = np.empty(vertices, np.uint8), np.empty((3, 4), np.float32)
        self.skirt_triangles = self._skirt.triangles
        self.most_of_mouth = size[0] * size[1] // 8  # px: a larger one has one sample a px

    def of(self, face: Moved, opening: Opening | None) -> Layers | None:
        """Those of a face, good until the next one; None: nothing moves."""
        active, (skin, skirt, lips) = self._active, self._bounds
        find_moved(face.source, face.target, face.near_lips, opening is not None, active, skin)
        if not skin[0] <= skin[2]:
            return None
        around, moved_around, lit_around = self._skirt.places(face.jaw[0], face.jaw[1], face.face_width)
        around_active = self._skirt.reach(around, moved_around, skirt)
        np.minimum(skin[:2], skirt[:2], skin[:2])
        np.maximum(skin[2:], skirt[2:], skin[2:])
        box = self._box(skin, BEYOND_MOVED)
        if box[2] <= 0 or box[3] <= 0:
            return None
        mouth = NOWHERE
        if opening is not None:
            lips[:2], lips[2:] = face.lips.min(0), face.lips.max(0)
            mouth = self._box(lips, BEYOND_BOX)
            if not 0 < mouth[2] * mouth[3] <= self.most_of_mouth:
                mouth = NOWHERE
        return Layers(active, moved_around, around, lit_around, around_active, box, mouth)

    def _box(self, bounds: Floats, margin: int) -> Box:
        """The part of the frame within bounds: smallest x and y, largest x and y."""
        left, top, right, low = bounds.tolist()
        (left, right), (top, low) = (
            (min(max(floor(first) - margin, 0), most), min(max(ceil(last) + margin + 1, 0), most))
            for first, last, most in ((left, right, self._size[0]), (top, low, self._size[1]))
        )
        return left, top, right - left, low - top
