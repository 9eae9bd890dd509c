"""The matte of a film: each frame through the segmentation net, smooth in time, carried to the edges of hair."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.build.footage.clip.frames import Frames
from bithuman_core.build.footage.coding import BEHIND_QUALITY, coded, coded_covers
from bithuman_core.build.photo.models import Net, load_segmentation
from bithuman_core.build.photo.pixels import halved
from bithuman_core.build.scene.matte import SURE, UNDECIDED, enlarged, guided, seen, unmixed, variance
from bithuman_core.build.shape.distance import distance_to
from bithuman_core.build.skin.fill import fill
from bithuman_core.build.smoothstep import smoothstep
from bithuman_core.render.matte.film import COARSE

TIME = np.array([1, 2, 3, 2, 1], np.float32) / 9  # frames: what the net says of one and of its neighbours
EDGE, REACH = 5, 32  # px (512 px frames) about the edge where the net is not believed; that hair may fly
CLEAR = 2 / 255  # alpha up to which a px shows the background alone
MARGIN = 3  # px about the person that do not tell the background: stray hair, what coding smears


def matte_arrays(frames: Frames, faces: Array, covers: Frames | None = None) -> dict[str, Array]:
    """Arrays ``matte``, ``behind`` and their starts (``docs/imx-format.md``) of n frames.

    faces: middle of the face in each [n, 2], px. covers: alpha as pictures of grey, where it is known.
    """
    height, width = frames.shape[1:3]
    behind: list[Array] = []

    def alphas() -> Iterator[Array]:
        known = (cover[..., 0] for cover in covers) if covers is not None else _estimated(frames, faces)
        for frame, alpha in zip(frames, known, strict=True):
            behind.append(_behind(frame, alpha))
            yield alpha

    matte, start = coded_covers(alphas(), (width, height))
    ground, ground_start = coded(behind, (width // COARSE, height // COARSE), BEHIND_QUALITY)
    return {"matte": matte, "matte_start": start, "behind": ground, "behind_start": ground_start}


def _estimated(frames: Frames, faces: Array) -> Iterator[Array]:
    """Alpha of each frame, uint8 [h, w]."""
    net = load_segmentation()
    rough = _over_time(np.stack([_rough(net, frame) for frame in frames]))
    yield from (_refined(frames[k], rough[k], faces[k]) for k in range(len(frames)))


def _rough(net: Net, frame: Array) -> Array:
    """What the net says of a frame, f16 [h / 4, w / 4] 0..1."""
    height, width = frame.shape[:2]
    side = max(height, width)
    above, before = (side - height) // 2, (side - width) // 2
    square = np.pad(frame, ((above, side - height - above), (before, side - width - before), (0, 0)), mode="edge")
    whole = enlarged(seen(net, Image.fromarray(square)), (side // COARSE, side // COARSE))
    top, left = above // COARSE, before // COARSE
    return whole[top : top + height // COARSE, left : left + width // COARSE].astype(np.float16)


def _over_time(rough: Array) -> Array:
    """Smooth in time [n, h, w]: the net flickers where it is unsure."""
    return np.asarray(ndimage.convolve1d(rough.astype(np.float32), TIME, axis=0, mode="nearest"), np.float32)


def _refined(frame: Array, rough: Array, face: Array) -> Array:
    """Alpha uint8 [h, w] of a frame: ``rough`` [h / 4, w / 4], of what hangs together with the face, carried to its edges."""
    height, width = frame.shape[:2]
    scale = min(height, width) / 512
    lit = frame.astype(np.float32) / np.float32(255)
    labels = np.asarray(ndimage.label(rough > 0.5)[0])  # type: ignore[index]
    x, y = (int(np.clip(v / COARSE, 0, limit - 1)) for v, limit in zip(face, rough.shape[::-1], strict=True))
    whole = np.asarray(ndimage.binary_fill_holes((labels == labels[y, x]) & (rough > 0.5)), bool)
    near = distance_to(whole) < REACH * scale / COARSE
    coarse = np.clip(enlarged(np.where(whole, np.maximum(rough, 0.5), rough * near).astype(np.float32), (width, height)), 0, 1)
    inwards, outwards = (COARSE * distance_to(mask).repeat(COARSE, 0).repeat(COARSE, 1) for mask in (~whole, whole))
    person = ((inwards > EDGE * scale) & (coarse > 1 - SURE)) | (inwards > REACH * scale)
    ground = ((outwards > EDGE * scale) & (coarse < SURE)) | (outwards > REACH * scale)
    front, back = _around(lit, person), _around(lit, ground)
    noise = variance(lit, person) + variance(lit, ground)
    alpha = unmixed(lit, front, back, smoothstep(guided(lit, coarse), *UNDECIDED), noise)
    alpha[person], alpha[ground] = 1, 0
    return np.rint(255 * np.clip(alpha, 0, 1)).astype(np.uint8)


def _around(lit: Array, known: Array) -> Array:
    """The known colours [h, w, 3], continued smoothly from a quarter of the picture's size: nothing else is wanted of them."""
    weight = halved(halved(known.astype(np.float32)))
    total = halved(halved(lit * known[..., None]))
    values = fill(total / np.maximum(weight, 1 / 16)[..., None], (weight > 0).astype(np.float32))
    size = known.shape[1], known.shape[0]
    planes = (Image.fromarray(np.ascontiguousarray(values[..., k])) for k in range(3))
    return np.dstack([np.asarray(plane.resize(size, Image.Resampling.BILINEAR)) for plane in planes])


def _behind(frame: Array, alpha: Array) -> Array:
    """The background uint8 [h / 4, w / 4, 3], continued smoothly behind the person."""
    known = ~ndimage.binary_dilation(alpha > 255 * CLEAR, iterations=MARGIN)
    cells = (frame.shape[0] // COARSE, COARSE, frame.shape[1] // COARSE, COARSE)
    share = known.reshape(cells).mean((1, 3), dtype=np.float32)
    total = (frame * known[..., None]).reshape(*cells, 3).mean((1, 3), dtype=np.float32)
    if not known.any():
        total, share = frame.reshape(*cells, 3).mean((1, 3), dtype=np.float32), np.ones_like(share)
    values = total / np.maximum(share, 1e-6)[..., None]
    return np.rint(np.clip(fill(values, (share > 0).astype(np.float32)), 0, 255)).astype(np.uint8)
