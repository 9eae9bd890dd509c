"""One frame with another mouth, its head turned or not: what it is made of, put together by the kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.footage.cut_out import Before, CutOut
from bithuman_core.render.footage.layers import NOWHERE, FaceLayers, Moved, Opening
from bithuman_core.render.footage.raster import AROUND, INTERIOR, NOTHING, SKIN, rasterise
from bithuman_core.render.footage.rig import FootageRig
from bithuman_core.render.footage.shading import shade
from bithuman_core.render.footage.turning import Turned, Turning
from bithuman_core.render.lanes import LANES

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]
FAR = np.float32(1e9)
Seen = tuple[Floats, Picture, Floats]


class Samples:
    """What the samples of a box see: scratch for as many as ``most``."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._depth, self._kinds = np.empty(most + LANES, np.float32), np.empty(most + LANES, np.uint8)
        self._fetched = np.empty(3 * (most + LANES), np.float32)

    def clear(self, count: int) -> Seen:
        """Depth, kind and what is fetched of so many, as ``rasterise`` takes them; nothing is seen yet."""
        room = count + LANES
        self._depth[:room], self._kinds[:room] = FAR, NOTHING
        return self._depth[:room], self._kinds[:room], self._fetched[: 3 * room].reshape(3, room)


class FaceDrawing:
    """Draws moved faces of one mesh into frames of one size. Holds scratch buffers only."""

    def __init__(self, size: tuple[int, int], triangles: NDArray[np.int32], light: Floats, jaw_points: int) -> None:
        width, height = size
        self._size = size
        self._triangles, self._light = triangles, light
        self._layers = FaceLayers(size, len(light), jaw_points)
        self._samples = Samples(width * height // 3)
        self._fine_samples = Samples(4 * self._layers.most_of_mouth)
        self._inside = np.zeros(3, np.float32)
        self._no_patch = np.zeros((2, 2, 3), np.float32)

    def draw(self, frame: NDArray[np.uint8], face: Moved, opening: Opening | None, out: NDArray[np.uint8]) -> None:
        """out [h, w, 3] = the frame with the face moved. frame: uint8 [h, w, 3]; out is another array."""
        out[:] = frame
        layers = self._layers.of(face, opening)
        if layers is None:
            return
        left, top, width, height = layers.box
        count = width * height
        if count > self._samples.most:  # of a face that fills the frame
            self._samples = Samples(self._size[0] * self._size[1])
        seen = self._samples.clear(count)
        box = np.float32(1), np.float32(left), np.float32(top)
        skirt = layers.skirt, layers.skirt_fetched, layers.skirt_light, layers.skirt_active, self._layers.skirt_triangles
        rasterise(*skirt, *box, AROUND, 0, width, height, *seen)
        skin = face.target, face.fetched, self._light, layers.active, self._triangles
        rasterise(*skin, *box, SKIN, 1, width, height, *seen)
        fine = self._fine_samples.clear(0)
        if opening is not None and layers.mouth != NOWHERE:
            fine = self._fine(skin, opening, *layers.mouth)
        patch = self._no_patch if opening is None else opening.patch
        shade(frame, *layers.box, *seen[1:], *layers.mouth, *fine[1:], patch, self._inside, out)

    def _fine(self, skin: tuple[Any, ...], opening: Opening, *box: int) -> Seen:
        """Four samples a px about the mouth: its inside, then the lips over it."""
        left, top, width, height = box
        seen = self._fine_samples.clear(4 * width * height)
        at = np.float32(2), np.float32(left), np.float32(top)
        every = np.ones(len(opening.points), np.uint8)
        rasterise(opening.points, opening.places, opening.light, every, opening.triangles, *at, INTERIOR,
                  0, 2 * width, 2 * height, *seen)  # fmt: skip
        rasterise(*skin, *at, SKIN, 1, 2 * width, 2 * height, *seen)
        return seen


class FilmDrawing:
    """Draws pictures of one film, for one session: turned heads, moved faces. Holds scratch buffers only."""

    def __init__(self, rig: FootageRig) -> None:
        self._turning, self._cut = Turning(rig.size), CutOut(rig.size)
        self._faces = FaceDrawing(rig.size, rig.triangles, rig.light, len(rig.jaw[0]))

    @property
    def coded(self) -> bool:
        """Frames are best given as pictures, which FFmpeg makes of them."""
        return False

    def draw(self, picture: Picture | Turned | Before, face: tuple[Moved, Opening | None] | None, out: Picture) -> None:
        """out [h, w, 3] = the picture, uint8 [h, w, 3] or yet to be made, with the face moved; None: nothing of it moves."""
        made = self._made(picture)
        if face is None:
            out[:] = made
        else:
            self._faces.draw(made, *face, out)

    def _made(self, picture: Picture | Turned | Before) -> Picture:
        if isinstance(picture, Turned):
            return self._turning.picture(picture)
        return self._cut.before(picture) if isinstance(picture, Before) else picture
