"""The matte of a film: each frame through the segmentation net, smooth in time, carried to the edges of hair.

All but the last step is done at a quarter of the frame's size, cell by cell: there are hundreds of frames.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.build.footage.clip.frames import Frames
from bithuman_core.build.footage.coding import BEHIND_QUALITY, coded, coded_covers
from bithuman_core.build.footage.unmixing import unmix
from bithuman_core.build.photo.models import Net, load_segmentation
from bithuman_core.build.scene.matte import AROUND, RADIUS, SURE, enlarged, linear_in, looked_at
from bithuman_core.build.shape.distance import distance_to
from bithuman_core.build.skin.fill import fill
from bithuman_core.render.matte.film import COARSE

TIME = np.array([1, 2, 3, 2, 1], np.float32) / 9  # frames: what the net says of one and of its neighbours
EDGE, REACH = 5, 32  # px (512 px frames) about the edge where the net is not believed; that hair may fly
CLEAR = 2 / 255  # alpha up to which a px shows the background alone
WINDOW = round(np.sqrt(12) * AROUND / COARSE) // 2 * 2 + 1  # cells: as wide a box as `scene.matte.variance` has a Gaussian


def matte_arrays(frames: Frames, faces: Array, covers: Frames | None = None) -> dict[str, Array]:
    """Arrays ``matte``, ``behind`` and their starts (``docs/imx-format.md``) of n frames.

    faces: middle of the face in each [n, 2], px. covers: alpha as pictures of grey, where it is known.
    """
    height, width = frames.shape[1:3]
    behind: list[Array] = []

    def alphas() -> Iterator[Array]:
        known = (cover[..., 0] for cover in covers) if covers is not None else _estimated(frames, faces)
        for k, alpha in enumerate(known):
            behind.append(_behind(_cells(frames[k]), alpha))
            yield alpha

    matte, start = coded_covers(alphas(), (width, height))
    ground, ground_start = coded(behind, (width // COARSE, height // COARSE), BEHIND_QUALITY)
    return {"matte": matte, "matte_start": start, "behind": ground, "behind_start": ground_start}


def _estimated(frames: Frames, faces: Array) -> Iterator[Array]:
    """Alpha of each frame, uint8 [h, w]. The net is a few frames ahead: it flickers where it is unsure. It sees every second
    frame mirrored, so that what it thinks of a side evens out."""
    net, half, last = load_segmentation(), len(TIME) // 2, len(frames) - 1
    rough: dict[int, Array] = {}
    for k in range(len(frames)):
        around = np.clip(np.arange(k - half, k + half + 1), 0, last)
        for j in around:
            if j not in rough:
                rough[j] = _rough(net, frames[int(j)], mirrored=bool(j % 2))
        rough = {j: known for j, known in rough.items() if j >= k - half}
        smooth = np.einsum("t,thw->hw", TIME, np.stack([rough[j] for j in around]))
        yield _refined(frames[k], np.asarray(smooth, np.float32), faces[k])


def _rough(net: Net, frame: Array, *, mirrored: bool) -> Array:
    """What the net says of a frame, f32 [h / 4, w / 4] 0..1."""
    height, width = frame.shape[:2]
    side = max(height, width)
    above, before = (side - height) // 2, (side - width) // 2
    square = frame
    if height != width:
        square = np.pad(frame, ((above, side - height - above), (before, side - width - before), (0, 0)), mode="edge")
    whole = enlarged(looked_at(net, Image.fromarray(square), mirrored=mirrored), (side // COARSE, side // COARSE))
    top, left = above // COARSE, before // COARSE
    return whole[top : top + height // COARSE, left : left + width // COARSE]


def _refined(frame: Array, rough: Array, face: Array) -> Array:
    """Alpha uint8 [h, w] of a frame: ``rough`` [h / 4, w / 4], of what hangs together with the face, carried to its edges."""
    scale = min(frame.shape[:2]) / 512
    lit = _cells(frame).astype(np.float32) / np.float32(255)
    labels = np.asarray(ndimage.label(rough > 0.5)[0])  # type: ignore[index]
    x, y = (int(np.clip(v / COARSE, 0, limit - 1)) for v, limit in zip(face, rough.shape[::-1], strict=True))
    whole = np.asarray(ndimage.binary_fill_holes((labels == labels[y, x]) & (rough > 0.5)), bool)
    inwards, outwards = COARSE / scale * distance_to(~whole), COARSE / scale * distance_to(whole)
    coarse = np.clip(np.where(whole, np.maximum(rough, 0.5), rough * (outwards < REACH)), 0, 1).astype(np.float32)
    person = ((inwards > EDGE) & (coarse > 1 - SURE)) | (inwards > REACH)
    ground = ((outwards > EDGE) & (coarse < SURE)) | (outwards > REACH)
    linear = linear_in(lit, coarse, RADIUS * 2 // COARSE)
    colours = [fill(lit, known.astype(np.float32)) for known in (person, ground)]
    noise = _variance(lit, person) + _variance(lit, ground)
    planes = np.dstack([*linear, *colours, noise, person * 1.0 - ground]).astype(np.float32)
    alpha = np.empty(frame.shape[:2], np.uint8)
    unmix(frame, planes, alpha)
    return alpha


def _cells(frame: Array) -> Array:
    """The means of 4 x 4 px, uint8 [h / 4, w / 4, 3]."""
    return np.asarray(Image.fromarray(frame).reduce(COARSE))


def _variance(lit: Array, known: Array) -> Array:
    """How much the colours of known cells vary about each cell, [h, w] squared colours."""
    weight = known.astype(np.float32)

    def mean(plane: Array) -> Array:
        return np.asarray(ndimage.uniform_filter(plane * weight, WINDOW, mode="constant"), np.float32)

    total = np.asarray(ndimage.uniform_filter(weight, WINDOW, mode="constant"), np.float32) + np.float32(1e-4)
    square = mean((lit * lit).sum(-1)) / total
    return np.maximum(square - sum((mean(lit[..., k]) / total) ** 2 for k in range(3)), 0)


def _behind(cells: Array, alpha: Array) -> Array:
    """The background uint8 [h / 4, w / 4, 3], continued smoothly behind the person and a cell beside her: stray hair, and what
    coding smears, do not tell it."""
    rows, columns = cells.shape[:2]
    shown = alpha.reshape(rows, COARSE, columns, COARSE).max((1, 3)) > 255 * CLEAR
    known = ~ndimage.binary_dilation(shown, np.ones((3, 3)))
    weight = (known if known.any() else ~known).astype(np.float32)
    return np.rint(np.clip(fill(cells.astype(np.float32), weight), 0, 255)).astype(np.uint8)
