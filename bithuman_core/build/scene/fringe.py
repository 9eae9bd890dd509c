"""What of the photo beside the person is hers: stray hair, earrings, the rim of light. It moves with her and leaves no outline.

The clean plate tells: what differs from it beside the person is hers, and her matte grows until her colours explain it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bithuman_core.build.photo.pixels import doubled, halved
from bithuman_core.build.scene.plate import bare, beside, continued
from bithuman_core.build.shape.canvas import Canvas
from bithuman_core.build.shape.distance import distance_to
from bithuman_core.render.smoothstep import smoothstep

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

GRAIN = 1.0
"""Px (sigma) over which grain averages out and an outline does not."""
ALIKE = 0.008, 0.024
"""Differences from the clean plate (colours 0..1) up to which they are the background's, and from which they are not."""
AROUND = 16
"""Px about a place in which the background shows what colours it has."""
EVEN, EVEN_EDGE = 0.06, 2
"""How far colours differ from one px to the next at most inside of a thing; px about it that are its edge."""
FOREIGN = 0.02, 0.06
"""How far beyond these a colour may be the background's, and from where on it is not: letters and edges of things are."""
CLOSE = 3.0, 6.0
"""Px from the person within which that does not count, and from which it does: her outline is in the photo's own softness."""
HERS = 0.015, 0.05
"""Differences from what person and plate give together up to which nothing is missing, and from which it is the person's."""
HALF = 0.3, 0.6
"""Share of the person in a px up to which the plate may keep the photo, and from which it is made up."""
SURE, EDGE = 0.95, 2
"""From which of these shares on a px is the background's alone, and tells how it goes on behind the person; px about the others
that do not tell."""
DISTINCT = 0.075, 0.15
"""Distances of the person's colour from the plate's from which it tells a little, and all, of how much of a px is hers."""


def shared_out(canvas: Canvas, alpha: Array, colours: Array, plate: Array, fine: bool) -> tuple[Array, Array, Array]:
    """Matte [H, W], the person's colours [H, W, 3] and the plate that together give the photo.

    alpha, colours: as they were cut out. plate [H / 2, W / 2, 3]: the clean one; it is given back at that size, and at twice it
    where the photo is ``fine``. Beside the person it keeps the photo's grain and, farther off, what has the background's colours;
    all else becomes hers.
    """
    part, photo, own = halved(alpha)[..., None], halved(canvas.picture), halved(colours)
    behind = np.clip((photo - part * own) / np.maximum(1 - part, 1 - HALF[1]), 0, 1).astype(np.float32)
    off = smoothstep(np.abs(_blurred(behind - plate)).max(2, keepdims=True), *ALIKE)
    far = smoothstep(distance_to(part[..., 0] > HALF[0]), *CLOSE)[..., None]
    known, soft = bare(canvas, alpha), _blurred(behind)
    foreign = smoothstep(_beyond(soft, photo, known), *FOREIGN)
    foreign[_going_on(soft, known, (far > 0)[..., 0])] = 0
    off *= 1 - far * (1 - foreign)
    keeps = (1 - smoothstep(part, *HALF)) * (1 - off)
    near = beside(alpha)
    keeps[~near] = 1
    keeps *= halved(canvas.inside.astype(np.float32))[..., None] == 1
    sure = ndimage.binary_erosion(keeps[..., 0] > SURE, iterations=EDGE, border_value=1)
    if sure.any():
        plate = continued(behind.astype(np.float32), sure)
    plate = (plate + keeps * (behind - plate)).astype(np.float32)
    missing = _blurred(photo - plate - part * (own - plate))
    grown = np.zeros_like(alpha[::2, ::2])
    grown[near] = _grown(part[near, 0], own[near], plate[near], missing[near])
    large = np.clip(doubled(plate), 0, 1)
    if fine:
        large += doubled(keeps[..., 0].astype(np.float32))[..., None] * (canvas.picture - doubled(photo))
        plate = large = np.clip(large, 0, 1)
    y, x = np.nonzero(canvas.inside & (alpha < 1) & near.repeat(2, 0).repeat(2, 1))
    over = np.clip(doubled(grown)[y, x], alpha[y, x], 1)[:, None]
    alpha, colours = alpha.copy(), colours.copy()
    solved = np.clip((canvas.picture[y, x] - (1 - over) * large[y, x]) / np.maximum(over, 0.01), 0, 1)
    colours[y, x] = np.where(over > 0.01, solved, colours[y, x])
    alpha[y, x] = over[:, 0]
    return alpha, colours, plate


def _grown(alpha: Array, own: Array, back: Array, missing: Array) -> Array:
    """The person's share [n] 0..1 of px where ``missing`` [n, 3] lacks from ``own`` under alpha before ``back``; 0: as it is."""
    across = own - back
    length = np.einsum("nk,nk->n", across, across)
    more = np.einsum("nk,nk->n", missing, across) / np.maximum(length, 1e-6) * smoothstep(np.sqrt(length), *DISTINCT)
    gone = alpha[:, None] * across + missing
    least = np.where(gone > 0, gone / np.maximum(1 - back, 1e-3), -gone / np.maximum(back, 1e-3)).max(1)  # any colour of hers
    share = np.clip(np.maximum(alpha + more, least), 0, 1) * smoothstep(np.abs(missing).max(1), *HERS)
    return share.astype(np.float32)


def _going_on(colours: Array, known: Mask, allowed: Mask) -> Mask:
    """Which allowed px of colours [h, w, 3] are of one piece with something known, without an edge between them."""
    steps = [ndimage.maximum_filter(colours[..., k], 3) - ndimage.minimum_filter(colours[..., k], 3) for k in range(3)]
    even = np.max(steps, axis=0) < EVEN
    pieces = np.asarray(ndimage.label(even & (allowed | known))[0], np.intp)  # type: ignore[index]
    reaching = np.bincount(pieces[known], minlength=int(pieces.max()) + 1) > 0
    reaching[0] = False
    return np.asarray(ndimage.binary_dilation(reaching[pieces], iterations=EVEN_EDGE), bool) & allowed


def _beyond(colours: Array, photo: Array, known: Mask) -> Array:
    """How far colours [h, w, 3] lie outside what the known px of a photo [h, w, 3] have about them [h, w, 1]."""
    out = np.zeros((*known.shape, 1), np.float32)
    for k in range(3):
        low = ndimage.minimum_filter(np.where(known, photo[..., k], 2), 2 * AROUND + 1)
        high = ndimage.maximum_filter(np.where(known, photo[..., k], -2), 2 * AROUND + 1)
        np.maximum(out[..., 0], np.maximum(low - colours[..., k], colours[..., k] - high), out=out[..., 0])
    return out


def _blurred(picture: NDArray[np.floating[Any]]) -> Array:
    """Without grain."""
    return np.stack([np.asarray(ndimage.gaussian_filter(picture[..., k], GRAIN), np.float32) for k in range(3)], -1)
