"""The picture of what lies around the face, with the face taken out: a turning head bares no second cheek and no old chin."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.pixels import halved
from bithuman_core.build.photo.portrait import CANVAS, Portrait
from bithuman_core.build.shape.camera import project
from bithuman_core.build.shape.fit import OVAL
from bithuman_core.build.shape.raster import at, raster
from bithuman_core.build.shape.template import ATLAS, SKIN, Template
from bithuman_core.build.skin.fill import fill

COVERS = 0.98  # alpha of the mesh from which nothing behind it is seen
EDGE = 3  # half px inside of what the mesh covers that are left as they are
CHIN_EDGE = 4  # half px about the chin of the photo that belong to it
SOFT = 1.5  # half px (sigma) over which the photo goes over into what is made up
HALF = CANVAS // 2


def without_face(template: Template, whole: Portrait, points: Array, alpha: Array) -> Array:
    """The picture [H, W, 3] of a portrait without what the mesh of the vertices points [V, 3] covers at rest, and without the
    part of the photo's face that lies below it: a mouth that was open has closed. Both go on from what is around.

    alpha [ATLAS, ATLAS]: how far the texels of the mesh are drawn.
    """
    square = whole.square()
    hidden = ndimage.binary_erosion(_covered(template, points, alpha), iterations=EDGE)
    before, now = _oval(square.landmarks[:, :2]), _oval(project(template.at("mediapipe", points))[:, :2])
    below = np.arange(HALF)[:, None] > project(template.at("mediapipe", points))[14, 1] / 2
    hidden |= ndimage.binary_dilation(before & ~now, iterations=CHIN_EDGE) & ~now & below
    picture = halved(square.picture)
    around = fill(picture, halved(square.alpha) * ~hidden)
    share = ndimage.gaussian_filter(hidden.astype(np.float32), SOFT)
    share = _enlarged(share)
    out = whole.picture.copy()
    x, y = whole.corner
    part = out[y : y + CANVAS, x : x + CANVAS]
    for k in range(3):  # one at a time: whole copies are what memory is needed for
        part[..., k] += share * (_enlarged(around[..., k]) - part[..., k])
    return out


def _enlarged(plane: Array) -> Array:
    """A plane [CANVAS / 2, CANVAS / 2] at twice its size."""
    image = Image.fromarray(np.ascontiguousarray(plane))
    return np.asarray(image.resize((CANVAS, CANVAS), Image.Resampling.BILINEAR))


def _covered(template: Template, points: Array, alpha: Array) -> Array:
    """Which half px [CANVAS / 2, CANVAS / 2] the mesh covers."""
    skin = template.triangles[template.part == SKIN]
    _, triangle, weights = raster(project(points) * (0.5, 0.5, 1), skin, HALF, HALF)
    seen = triangle >= 0
    u, v = np.clip(at(template.uv, skin[triangle[seen]], weights[seen]), 0, ATLAS - 1).astype(int).T
    out = np.zeros(seen.shape, bool)
    out[seen] = alpha[v, u] > COVERS
    return out


def _oval(marks: Array) -> Array:
    """The inside of the outline of a face with the landmarks [n, 2] (canvas px), half px."""
    mask = Image.new("1", (HALF, HALF))
    ImageDraw.Draw(mask).polygon([(float(x) / 2, float(y) / 2) for x, y in marks[list(OVAL)]], fill=1)
    return np.asarray(mask)
