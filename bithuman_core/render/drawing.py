"""A whole frame in one call (numba, one core): band by band, head over backdrop over plate, then the pixel filter.

One call, because every return to Python waits for its lock: beside other sessions that costs more than the call.
"""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

from numba import float32, float64, int32, int64, njit, types, uint8, uint16, uint32, void

from bithuman_core.render.kernel import kernel
from bithuman_core.render.lanes import LANES
from bithuman_core.render.pixel_filter import filter_pixels
from bithuman_core.render.raster import rasterise
from bithuman_core.render.shading import compose
from bithuman_core.render.signature import given, scratch
from bithuman_core.render.still import lay_still

MESH = types.Tuple((
    given(float32, 2), given(float32, 2), given(uint16, 2), given(uint8, 1), given(float32, 1), scratch(uint32, 1),
    scratch(uint32, 1), scratch(float32, 1), scratch(uint32, 1), scratch(uint8, 2), float64,
))  # fmt: skip


@njit(nogil=True)
def _samples(mesh, band):
    """Draw one band of a mesh: its words and its light, both [rows, width], valid until the next one."""
    points, uv, triangles, part, light, order, start, depth, words, glow, stagger = mesh
    chosen = order[start[band] : start[band + 1]]
    rasterise(points, uv, triangles, part, light, chosen, depth, words, glow, int32(band * glow.shape[0]), float32(stagger))
    return words[: words.shape[0] - LANES].reshape(glow.shape), glow


@kernel(
    void(
        MESH, MESH, given(uint8, 3), given(uint8, 3), int64, float64, scratch(uint8, 3), given(uint32, 2), given(uint32, 2),
        given(int64, 2), scratch(uint32, 2), scratch(uint8, 1), scratch(uint16, 2), uint16, scratch(uint8, 3),
        scratch(uint8, 2),
    ),
    error_model="numpy",
)  # fmt: skip
def draw(head, back, plate, still, still_top, lift, under, texture, backdrop, tint, colours, kind, lines, side, out, cover):
    """out [H, W, 3] = plate [H, W, 3], under the still part of the backdrop, under the moving one, under the head.

    head, back: see :meth:`bithuman_core.render.bands.Bands.mesh`; head has two rows of samples a pixel. still, still_top: see
    ``rig.Still``, lifted by ``lift`` px. texture, backdrop, tint, colours, kind: see ``shading.compose``; under
    [rows of a band, W, 3]: scratch. lines, side: see ``pixel_filter``. cover [H, W]: alpha of
    all but the plate; [0, W]: nobody asks.
    """
    rows = under.shape[0]
    for band in range(out.shape[0] // rows):
        first = band * rows
        (words, glow), (far, _) = _samples(head, band), _samples(back, band)
        behind, done, hides = plate[first : first + rows], out[first : first + rows], cover[first : first + rows]
        if first + rows + lift + 1 <= still_top:
            hides[:] = 0
            compose(behind, words, glow, far, texture, backdrop, tint, colours, kind, done, hides)
        else:
            lay_still(behind, still, still_top, first, lift, under, hides)
            compose(under, words, glow, far, texture, backdrop, tint, colours, kind, done, hides)
    if side:
        filter_pixels(out.reshape(out.shape[0], -1), lines, side, 3)
        if cover.shape[0]:
            filter_pixels(cover, lines, side, 1)
