"""Drawing a mesh band by band, so that depth and visibility of a band stay in the processor's cache."""

from __future__ import annotations

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
        self._words = self._samples[:-LANES].reshape(self._rows, width)
        self.glow = np.empty((self._rows, width), np.uint8)  # light of the samples of the mouth

    def sort(self, points: Floats) -> None:
        """Take the posed mesh, points [V, 3] with x and y in samples."""
        width = self._words.shape[1]
        sort_into_bands(points, self._triangles, self._rows, width, self._stagger, self._span, self._order, self._start)

    def draw(self, band: int, points: Floats, uv: Floats, light: Floats) -> NDArray[np.uint32]:
        """The samples of a band, uint32 [rows, width], valid until the next call."""
        chosen = self._order[self._start[band] : self._start[band + 1]]
        first_row = band * self._rows
        mesh = points, uv, self._triangles, self._part, light
        rasterise(*mesh, chosen, self._depth, self._samples, self.glow, first_row, self._stagger)
        return self._words
