"""What is drawn over a frame, and where: the face, the skirt around its jaw, the inside of its mouth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.footage.around import JawSkirt
from bithuman_core.render.footage.posing import find_moved
from bithuman_core.render.footage.shading import LOOSE

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
    jaw: tuple[Floats, Floats]  # the jaw line [m, 2]: source, target
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
        self._active = np.empty(vertices, np.uint8)
        self.skirt_triangles = self._skirt.triangles
        self.most_of_mouth = size[0] * size[1] // 8  # px: a larger one has one sample a px

    def of(self, face: Moved, opening: Opening | None) -> Layers | None:
        """Those of a face, good until the next one; None: nothing moves."""
        active = self._active
        find_moved(face.source, face.target, active)
        if not active.any() and opening is None:
            return None
        active |= face.near_lips
        around, moved_around, lit_around = self._skirt.places(*face.jaw, face.face_width)
        around_active = (np.abs(around - moved_around).max(1) > LOOSE).astype(np.uint8)
        seen = [face.target[active.view(bool), :2]]
        if around_active.any():
            seen.append(self._skirt.reach(moved_around, around_active))
        box = self._box(np.concatenate(seen), BEYOND_MOVED)
        if box[2] <= 0 or box[3] <= 0:
            return None
        mouth = NOWHERE
        if opening is not None:
            mouth = self._box(face.lips, BEYOND_BOX)
            if not 0 < mouth[2] * mouth[3] <= self.most_of_mouth:
                mouth = NOWHERE
        return Layers(active, moved_around, around[:, :2].copy(), lit_around, around_active, box, mouth)

    def _box(self, points: Floats, margin: int) -> Box:
        """The part of the frame about points [n, 2]."""
        limit = np.array(self._size)
        low = np.clip(np.floor(points.min(0)).astype(int) - margin, 0, limit)
        high = np.clip(np.ceil(points.max(0)).astype(int) + margin + 1, 0, limit)
        return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])
