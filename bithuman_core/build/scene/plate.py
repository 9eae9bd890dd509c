"""What stands behind the person: the background, continued where the person hid it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bithuman_core.build.photo.pixels import doubled, halved
from bithuman_core.build.shape.canvas import Canvas
from bithuman_core.build.shape.distance import nearest_in
from bithuman_core.build.skin.fill import fill
from bithuman_core.build.smoothstep import smoothstep

Array = NDArray[np.float32]

MARGIN = 3
"""Px about the person that are not trusted: stray hair, soft edges."""
FINE = 5.0
"""Px (sigma): what is finer is texture."""
STRONGEST = 0.08
"""Texture goes on as far as this (colours 0..1); stronger details are things, and would come out as scraps of them."""
TEXTURED = 48.0
"""Px behind the person's edge that texture goes on; a head that turns 5 degrees uncovers about 20."""
HALF = 0.3, 0.6
"""Share of the person in a px up to which the plate keeps the photo, and from which it is made up."""


def background(canvas: Canvas, alpha: Array) -> Array:
    """Plate [H / 2, W / 2, 3] RGB 0..1: where the photo shows the background, the photo itself.

    Behind the person a smooth continuation (pull-push), on which the texture, mirrored at the person's edge, fades out.
    """
    height, width = alpha.shape[0] // 2, alpha.shape[1] // 2
    picture = halved(canvas.picture)
    covered = np.where(canvas.inside, alpha, 1).reshape(height, 2, width, 2).max((1, 3)) > 1 / 255
    known = ~ndimage.binary_dilation(covered, iterations=MARGIN)
    if not known.any():
        return np.broadcast_to(np.median(picture, axis=(0, 1)), picture.shape).astype(np.float32)
    weight = known.astype(np.float32)
    smooth = _blurred(fill(picture, weight), 1 - weight)
    nearest = nearest_in(known)
    y, x = np.mgrid[0:height, 0:width]
    sides = zip(nearest, (y, x), (height, width), strict=True)
    rows, columns = (np.clip(2 * near - place, 0, side - 1) for near, place, side in sides)
    fading = np.clip(1 - np.hypot(y - nearest[0], x - nearest[1]) / TEXTURED, 0, 1) * weight[rows, columns]
    texture = np.clip(picture - _mean(picture, weight), -STRONGEST, STRONGEST)[rows, columns] * fading[..., None]
    return np.where(known[..., None], picture, np.clip(smooth + texture, 0, 1)).astype(np.float32)


def true_to_photo(canvas: Canvas, alpha: Array, colours: Array, plate: Array) -> tuple[Array, Array]:
    """The person's colours [H, W, 3] and the plate [H / 2, W / 2, 3] that together, under alpha [H, W], give the photo.

    Where little of a px is thought to be the person (stray hair, an earring, leaves: the matte may err), the plate takes
    what is left of the photo; where more is, the person does.
    """
    part, photo = halved(alpha)[..., None], halved(canvas.picture)
    share = 1 - smoothstep(part, *HALF)
    share = share * (halved(canvas.inside.astype(np.float32))[..., None] == 1)
    behind = np.clip((photo - part * halved(colours)) / np.maximum(1 - part, 1 - HALF[1]), 0, 1)
    plate = (plate + share * (behind - plate)).astype(np.float32)
    y, x = np.nonzero(canvas.inside & (alpha > HALF[0]) & (alpha < 1))
    over, colours = alpha[y, x, None], colours.copy()
    colours[y, x] = np.clip((canvas.picture[y, x] - (1 - over) * plate[y // 2, x // 2]) / over, 0, 1)
    return colours, plate


def at_full_size(canvas: Canvas, alpha: Array, plate: Array) -> Array:
    """The plate [H / 2, W / 2, 3] at twice its size, with what is finer in the photo where the plate keeps that."""
    shown = (1 - smoothstep(alpha, *HALF)) * canvas.inside
    fine = canvas.picture - doubled(halved(canvas.picture))
    return np.clip(doubled(plate) + shown[..., None] * fine, 0, 1).astype(np.float32)


def _mean(picture: Array, weight: Array) -> Array:
    """Blur of the known px alone."""
    total = np.maximum(ndimage.gaussian_filter(weight, FINE), 1e-3)
    planes = [np.asarray(ndimage.gaussian_filter(picture[..., k] * weight, FINE), np.float32) / total for k in range(3)]
    return np.stack(planes, -1).astype(np.float32)


def _blurred(picture: Array, unknown: Array) -> Array:
    """Soft where unknown, the more the farther from what is known: pull-push leaves faint squares."""
    share = ndimage.gaussian_filter(unknown, 2 * FINE)[..., None] * unknown[..., None]
    soft = np.stack([np.asarray(ndimage.gaussian_filter(picture[..., k], 2 * FINE), np.float32) for k in range(3)], -1)
    return np.asarray(picture + share * (soft - picture), np.float32)
