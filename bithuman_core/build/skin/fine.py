"""The texture at twice its size, for frames of twice the usual size: with all that the photo holds, where it shows the skin."""

from __future__ import annotations

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.pixels import doubled
from bithuman_core.build.shape.camera import project
from bithuman_core.build.shape.raster import at
from bithuman_core.build.shape.template import ATLAS, Template
from bithuman_core.build.skin.fill import fill
from bithuman_core.build.skin.skin import Texels, sample, texels

ROWS = ATLAS // 4  # of the larger texture at once


def finer(template: Template, tx: Texels, points: Array, picture: Array, photo: Array, trust: Array, colour: Array) -> Array:
    """The painted skin colour [ATLAS, ATLAS, 3] at twice its size.

    picture [S, S, 3]: the canvas, which shows the vertices points [V, 3]. photo [n, 3]: what the texels took of it, at the
    sharpness of a frame; trust [n] 0..1: how far that is what they show. What it lacks of the picture is added as far.
    """
    screen, out = project(points)[:, :2], doubled(colour)
    soft, share = doubled(fill(tx.image(photo), tx.mask.astype(np.float32))), doubled(tx.image(trust)).clip(0, 1)
    for top in range(0, 2 * ATLAS, ROWS):  # all at once would take 100 MiB
        part, rows = texels(template, 2, top, ROWS), slice(top, top + ROWS)
        own = sample(picture, at(screen, part.corners, part.weights))
        out[rows][part.mask] += share[rows][part.mask][:, None] * (own - soft[rows][part.mask])
    return out.clip(0, 1, out=out)
