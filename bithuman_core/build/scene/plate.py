"""What stands behind the person: the background, continued where the person hid it, clean of her outline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bithuman_core.build.photo.pixels import halved
from bithuman_core.build.shape.canvas import Canvas
from bithuman_core.build.shape.distance import distance_to, nearest_in
from bithuman_core.build.skin.fill import fill
from bithuman_core.render.smoothstep import smoothstep

Array = NDArray[np.float32]

MARGIN = 8
"""Px about the person that are not trusted: stray hair, soft edges, earrings, what a lens smears."""
FRAYED = 2
"""Px at the photo's own edge that are not either."""
FINE = 5.0
"""Px (sigma): what is finer is texture."""
STRONGEST = 0.08
"""Texture goes on as far as this (colours 0..1); stronger details are things, and would come out as scraps of them."""
TEXTURED = 48.0
"""Px behind the person's edge that texture goes on; a head that turns 5 degrees uncovers about 20."""
STRAIGHT = 16.0
"""Px behind it over which colours go straight on before they dissolve."""
SHARP, EDGE = (6.0, 14.0), 1.0
"""Px behind it up to which lines stay sharp, and from which they do not; px (sigma) of noise that is no line."""


def background(canvas: Canvas, alpha: Array) -> Array:
    """Plate [H / 2, W / 2, 3] RGB 0..1: where the photo shows the background alone, the photo itself, `continued` behind the
    person."""
    return continued(halved(canvas.picture), bare(canvas, alpha))


def continued(picture: Array, known: NDArray[np.bool_]) -> Array:
    """A picture [h, w, 3] with made-up colours where it is not known [h, w].

    What is at the edge of the known goes straight on, with its texture mirrored, and dissolves into a smooth continuation
    (pull-push).
    """
    if not known.any():
        return np.broadcast_to(np.median(picture, axis=(0, 1)), picture.shape).astype(np.float32)
    height, width = known.shape
    weight = known.astype(np.float32)
    smooth = _blurred(fill(picture, weight), 1 - weight)
    rows, columns = nearest_in(known)
    y, x = np.nonzero(~known)
    rows, columns = rows[y, x], columns[y, x]
    away = np.hypot(y - rows, x - columns)[:, None]
    mirrored = np.clip(2 * rows - y, 0, height - 1), np.clip(2 * columns - x, 0, width - 1)
    mean = _mean(picture, weight, FINE)
    hidden = smooth[y, x]
    hidden += np.exp(-away / STRAIGHT) * (mean[rows, columns] - hidden)
    sharp = 1 - smoothstep(away, *SHARP)
    hidden += sharp * (_mean(picture, weight, EDGE)[rows, columns] - hidden)
    fading = (1 - sharp) * np.clip(1 - away / TEXTURED, 0, 1) * weight[mirrored][:, None]
    hidden += fading * np.clip(picture[mirrored] - mean[mirrored], -STRONGEST, STRONGEST)
    plate = picture.copy()
    plate[y, x] = np.clip(hidden, 0, 1)
    return plate


def bare(canvas: Canvas, alpha: Array) -> NDArray[np.bool_]:
    """Px of the plate [H / 2, W / 2] of which the photo surely shows the background alone."""
    inside = halved(canvas.inside.astype(np.float32)) == 1
    return ndimage.binary_erosion(inside, iterations=FRAYED, border_value=1) & ~beside(alpha)


def beside(alpha: Array) -> NDArray[np.bool_]:
    """Px of the plate [H / 2, W / 2] that the person covers, and MARGIN about them."""
    height, width = alpha.shape
    return distance_to(alpha.reshape(height // 2, 2, width // 2, 2).max((1, 3)) > 1 / 255) <= MARGIN


def _mean(picture: Array, weight: Array, sigma: float) -> Array:
    """Blur of the known px alone."""
    total = np.maximum(ndimage.gaussian_filter(weight, sigma), 1e-3)
    planes = [np.asarray(ndimage.gaussian_filter(picture[..., k] * weight, sigma), np.float32) / total for k in range(3)]
    return np.stack(planes, -1).astype(np.float32)


def _blurred(picture: Array, unknown: Array) -> Array:
    """Soft where unknown, the more the farther from what is known: pull-push leaves faint squares."""
    share = ndimage.gaussian_filter(unknown, 2 * FINE)[..., None] * unknown[..., None]
    soft = np.stack([np.asarray(ndimage.gaussian_filter(picture[..., k], 2 * FINE), np.float32) for k in range(3)], -1)
    return np.asarray(picture + share * (soft - picture), np.float32)
