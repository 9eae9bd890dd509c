"""Drawing a mesh band by band, so that depth and visibility of a band stay in the processor's cache."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.lanes import LANES
from bithuman_core.render.raster import rasterise, sort_into_bands

BANDS = 8  # of a frame of 512 px; a band then takes half a megabyte
LARGE = 512  # px: higher frames get twice as many
Floats = NDArray[np.float32]


class Bands:
    """One mesh of one session: which of its triangles lie in which band, and the samples of the band drawn last."""

    def __init__(self, triangles: NDArray[np.uint16], part: NDArray[np.uint8], height: int, width: int, stagger: float) -> None:
        """triangles [T, 3], part [T]; height, width: of the whole picture in samples, height a multiple of
        2 * BANDS, of 4 * BANDS where the width is large."""
        self._triangles, self._part, self._stagger = triangles, part, stagger
        self.count = BANDS if width <= LARGE else 2 * BANDS
        self._rows = height // self.count
        self._span = np.empty((len(triangles), 2), np.uint8)
        self._order = np.empty(self.count * len(triangles), np.uint32)
        self._start = np.zeros(self.count + 1, np.uint32)
        self._depth = np.empty(self._rows * width + LANES, np.float32)
        self._samples = np.empty(self._rows * width + LANES, np.uint32)
        self._width = width
        self._glow = np.empty((self._rows, width), np.uint8)  # light of the samples of the mouth

    def sort(self, points: Floats) -> None:
        """Take the posed mesh, points [V, 3] with x and y in samples."""
        sort_into_bands(points, self._triangles, self._rows, self._width, self._stagger, self._span, self._order, self._start)

    def mesh(self, points: Floats, uv: Floats, light: Floats) -> tuple[Any, ...]:
        """What ``drawing.draw`` takes of a mesh: the posed points [V, 3] given to :meth:`sort`, texture places uv [V, 2] in
        1/16 px, light [V] 0..255, triangles, part, order and start of the bands, scratch, and the stagger."""
        sorted_ = self._triangles, self._part, light, self._order, self._start
        return points, uv, *sorted_, self._depth, self._samples, self._glow, self._stagger

    def samples(self, points: Floats, uv: Floats, light: Floats) -> NDArray[np.uint32]:
        """Every sample of the picture as a word of the rasteriser: uint32 [height, width]."""
        out = []
        for band in range(self.count):
            chosen = self._order[self._start[band] : self._start[band + 1]]
            mesh = points, uv, self._triangles, self._part, light
            rasterise(*mesh, chosen, self._depth, self._samples, self._glow, band * self._rows, self._stagger)
            out.append(self._samples[:-LANES].reshape(self._rows, -1).copy())
        return np.concatenate(out)
