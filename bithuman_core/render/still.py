"""What does not follow the head is drawn once: shoulders and clothes become a picture, which only breath lifts."""

# pyright: reportCallIssue=false, reportArgumentType=false
# (numba types are called as casts here)
from __future__ import annotations

import numpy as np
from numba import float64, int32, int64, uint8, uint32, void
from numpy.typing import NDArray

from bithuman_core.render.kernel import kernel
from bithuman_core.render.lanes import LANES
from bithuman_core.render.posing import WEIGHTS, head_transforms, project
from bithuman_core.render.raster import rasterise
from bithuman_core.render.rig import PortraitRig, Still
from bithuman_core.render.signature import given, scratch
from bithuman_core.render.texel import NOTHING, UV_STEPS, texel


def parted(triangles: NDArray[np.uint16], weight: NDArray[np.uint8]) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """(The triangles of a backdrop that are drawn once, those that move), by the head weight [B] of their vertices.

    Triangles whose three vertices have head weight 0 do not move. Their neighbours are drawn once as well, so that no seam opens
    where they meet, and then over it.
    """
    weightless = weight[triangles] == 0
    still, moving = weightless.any(axis=1), ~weightless.all(axis=1)
    return np.ascontiguousarray(triangles[still]), np.ascontiguousarray(triangles[moving])


def settled(rig: PortraitRig) -> Still:
    """The still part of the backdrop as one picture."""
    width, height = rig.size
    transforms = np.empty((WEIGHTS, 12), np.float32)
    head_transforms(np.zeros(6), 0.0, transforms)
    points = np.empty_like(rig.backdrop_vertices)
    view = transforms, rig.pivot, rig.distance, *rig.centre
    project(rig.backdrop_vertices, rig.backdrop_weight, *view, rig.scale, rig.scale, points)
    light, part = np.zeros(len(points), np.float32), np.zeros(len(rig.still_triangles), np.uint8)
    words, depth = (np.empty(height * width + LANES, dtype) for dtype in (np.uint32, np.float32))
    glow = np.empty((height, width), np.uint8)
    chosen = np.arange(len(part), dtype=np.uint32)
    mesh = points, rig.backdrop_uv * UV_STEPS, rig.still_triangles, part, light
    rasterise(*mesh, chosen, depth, words, glow, 0, 0.0)
    colours = np.empty((height, width), np.uint32)
    _colour(words[:-LANES].reshape(height, width), rig.backdrop, colours)
    picture = colours.view(np.uint8).reshape(height, width, 4)
    rows = np.flatnonzero(picture[..., 3].any(axis=1))
    top = max(int(rows[0]) - 1, 0) if len(rows) else height - 1  # one empty row to fade into
    picture = picture[top:].astype(np.uint16)
    picture[..., :3] = (picture[..., :3] * picture[..., 3:] + 127) // 255
    picture = picture.astype(np.uint8)
    picture.flags.writeable = False
    return Still(picture, top)


@kernel(void(given(uint32, 2), given(uint32, 2), scratch(uint32, 2)), error_model="numpy")
def _colour(words, texture, out):
    """out [H, W] = the texture, packed BGRA, at the words' places; 0 where there is nothing."""
    stride, wide, tall = int32(texture.shape[1]), int32((texture.shape[1] - 2) * 32), int32((texture.shape[0] - 2) * 32)
    texels = texture.reshape(-1)
    for y in range(uint32(out.shape[0])):
        for x in range(uint32(out.shape[1])):
            word = words[y, x]
            out[y, x] = uint32(0) if word == NOTHING else texel(texels, stride, wide, tall, word, word)


@kernel(void(given(uint8, 3), given(uint8, 3), int64, int64, float64, scratch(uint8, 3), scratch(uint8, 2)))
def lay_still(plate, picture, top, first_row, lift, out, cover):
    """out = rows of the plate [h, w, 3] from ``first_row`` on, under the picture, whose row 0 is the row ``top``, ``lift`` px
    higher: the part of each row that is left of whole px is the row below it. cover [h, w]: its alpha; [0, w]: nobody asks."""
    whole = int64(lift)
    first, share = first_row - top + whole, int64(256 * (lift - whole) + 0.5)
    last = picture.shape[0] - 1
    near, far = uint32(256 - share), uint32(share)
    for y in range(out.shape[0]):
        under, row = plate[y].reshape(-1), out[y].reshape(-1)
        if first + y < -1:
            row[:] = under
            if cover.shape[0]:
                cover[y] = uint8(0)
            continue
        upper, lower = picture[min(max(first + y, 0), last)].reshape(-1), picture[min(max(first + y + 1, 0), last)].reshape(-1)
        if cover.shape[0]:
            for x in range(uint32(out.shape[1])):
                alpha = uint32(4) * x + uint32(3)
                cover[y, x] = uint8(uint32(upper[alpha] * near + lower[alpha] * far + uint32(128)) >> uint32(8))
        for x in range(uint32(out.shape[1])):
            four, three = uint32(4) * x, uint32(3) * x
            through = uint32(255 * 256) - uint32(upper[four + uint32(3)] * near + lower[four + uint32(3)] * far)
            for k in range(uint32(3)):
                own = uint32(upper[four + k] * near + lower[four + k] * far)
                behind = uint32(uint32(under[three + k]) * through) // uint32(255)
                row[three + k] = uint8(min(uint32(own + behind + uint32(128)) >> uint32(8), uint32(255)))
