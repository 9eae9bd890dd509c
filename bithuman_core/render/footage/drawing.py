"""One frame with another mouth: what it is made of, put together by the kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.footage.around import JawSkirt
from bithuman_core.render.footage.posing import find_moved
from bithuman_core.render.footage.raster import AROUND, INTERIOR, SKIN, rasterise
from bithuman_core.render.footage.shading import LOOSE, TAPS, shade

Floats = NDArray[np.float32]
FAR = np.float32(1e9)
BEYOND_BOX = 5  # px of the mouth's box around the lips
BEYOND_MOVED = 8  # px of the box around vertices that move: their triangles end at others


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


class FaceDrawing:
    """Draws moved faces of one mesh into frames of one size. Holds scratch buffers only."""

    def __init__(self, size: tuple[int, int], triangles: NDArray[np.int32], light: Floats, jaw_points: int) -> None:
        width, height = size
        self._size = size
        self._triangles, self._light = triangles, light
        self._skirt = JawSkirt(jaw_points)
        samples = width * height
        self._room(samples // 3)
        self._fine_kinds = np.empty(samples // 2, np.uint8)
        self._fine_depth = np.empty(len(self._fine_kinds), np.float32)
        self._fine_fetched = np.empty((len(self._fine_kinds), 3), np.float32)
        self._active = np.empty(len(light), np.uint8)
        self._inside, self._lines = np.zeros(3, np.float32), np.empty(TAPS, np.float32)
        self._no_patch = np.zeros((2, 2, 3), np.float32)

    def _room(self, samples: int) -> None:
        """Scratch for a box of so many samples."""
        self._depth, self._kinds = np.empty(samples, np.float32), np.empty(samples, np.uint8)
        self._fetched = np.empty((samples, 3), np.float32)

    def draw(self, frame: NDArray[np.uint8], face: Moved, opening: Opening | None, out: NDArray[np.uint8]) -> None:
        """out [h, w, 3] = the frame with the face moved. frame: uint8 [h, w, 3]; out is another array."""
        out[:] = frame
        active = self._active
        find_moved(face.source, face.target, active)
        if not active.any() and opening is None:
            return
        active |= face.near_lips
        around, moved_around, lit_around = self._skirt.places(*face.jaw, face.face_width)
        around_active = (np.abs(around - moved_around).max(1) > LOOSE).astype(np.uint8)
        seen = [face.target[active.view(bool), :2]]
        if around_active.any():
            seen.append(self._skirt.reach(moved_around, around_active))
        left, top, width, height = self._box(np.concatenate(seen), BEYOND_MOVED)
        if width <= 0 or height <= 0:
            return
        count = width * height
        if count > len(self._kinds):  # of a face that fills the frame
            self._room(self._size[0] * self._size[1])
        kinds, depth, fetched = self._kinds[:count], self._depth[:count], self._fetched[:count]
        kinds[:] = 0
        depth[:] = FAR
        box = np.float32(1), np.float32(left), np.float32(top)
        skirt = self._skirt.triangles
        rasterise(moved_around, around[:, :2].copy(), lit_around, around_active, skirt, *box, AROUND, 0, width, height,
                  depth, kinds, fetched)  # fmt: skip
        skin = face.target, face.fetched, self._light, active, self._triangles
        rasterise(*skin, *box, SKIN, 1, width, height, depth, kinds, fetched)
        mouth = 0, 0, 0, 0
        if opening is not None:
            x, y, w, h = self._box(face.lips, BEYOND_BOX)
            if 0 < 4 * w * h <= len(self._fine_kinds):
                mouth = x, y, w, h
                self._fine(skin, opening, *mouth)
        patch = self._no_patch if opening is None else opening.patch
        samples = left, top, width, height, kinds, fetched
        shade(frame, *samples, *mouth, self._fine_kinds, self._fine_fetched, patch, self._inside, self._lines, out)

    def _fine(self, skin: tuple, opening: Opening, left: int, top: int, width: int, height: int) -> None:  # type: ignore[type-arg]
        """Four samples a px about the mouth: its inside, then the lips over it."""
        count = 4 * width * height
        kinds, depth, fetched = self._fine_kinds[:count], self._fine_depth[:count], self._fine_fetched[:count]
        kinds[:] = 0
        depth[:] = FAR
        box = np.float32(2), np.float32(left), np.float32(top)
        every = np.ones(len(opening.points), np.uint8)
        rasterise(opening.points, opening.places, opening.light, every, opening.triangles, *box, INTERIOR,
                  0, 2 * width, 2 * height, depth, kinds, fetched)  # fmt: skip
        rasterise(*skin, *box, SKIN, 1, 2 * width, 2 * height, depth, kinds, fetched)

    def _box(self, points: Floats, margin: int = 1) -> tuple[int, int, int, int]:
        """Corner and size of the part of the frame about points [n, 2]."""
        limit = np.array(self._size)
        low = np.clip(np.floor(points.min(0)).astype(int) - margin, 0, limit)
        high = np.clip(np.ceil(points.max(0)).astype(int) + margin + 1, 0, limit)
        return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])
