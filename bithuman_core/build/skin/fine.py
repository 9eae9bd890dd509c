"""The texture at twice its size, for frames of twice the usual size: with all that the photo holds, where it shows the skin."""

from __future__ import annotations

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.pixels import doubled
from bithuman_core.build.shape.camera import project
from bithuman_core.build.shape.raster import at
from bithuman_core.build.shape.template import Template
from bithuman_core.build.skin.fill import fill
from bithuman_core.build.skin.skin import Texels, sample, texels


def finer(template: Template, tx: Texels, points: Array, picture: Array, photo: Array, trust: Array, colour: Array) -> Array:
    """The painted skin colour [ATLAS, ATLAS, 3] at twice its size.

    picture [S, S, 3]: the canvas, which shows the vertices points [V, 3]. photo [n, 3]: what the texels took of it, at the
    sharpness of a frame; trust [n] 0..1: how far that is what they show. What it lacks of the picture is added as far.
    """
    small = texels(template, 2)
    own = sample(picture, at(project(points), small.corners, small.weights)[:, :2])
    soft = doubled(fill(tx.image(photo), tx.mask.astype(np.float32)))[small.mask]
    share = doubled(tx.image(trust))[small.mask].clip(0, 1)
    out = doubled(colour)
    out[small.mask] += share[:, None] * (own - soft)
    return out.clip(0, 1).astype(np.float32)
