"""The texture of the skin: the photo on the mesh, continued where the photo does not show it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.portrait import CANVAS
from bithuman_core.build.shape.camera import DISTANCE, project
from bithuman_core.build.shape.raster import at, raster
from bithuman_core.build.shape.template import ATLAS, PROXY, RIM, SKIN, Template
from bithuman_core.build.skin.fill import fill

FACING = (0.05, 0.2)  # cosine to the view below which a texel is not trusted, and from which it is fully
OUTLINE = 0.2  # cosine to the view below which a turn of 11 degrees may make it the outline
SQUEEZED = (0.06, 0.15)  # canvas px a texel of the same (a folded lid)
MIDDLE = (125.0, 155.0)  # texels beside the atlas' middle line up to which all is drawn, and from which only what was seen
LOW, SOFT = 255.0, 20.0  # texels from the top: where the jaw begins, below the ears; over which what is said of it begins
LOW_MIDDLE = (180.0, 200.0)  # the same as MIDDLE for what the photo cannot show there: the underside of the jaw
SIDE, UNLIKE = 0.5, 0.45  # cosine to the view below which the outline may be missed; difference in brightness of hair, of 1
MIXED = 7  # texels: side of the square about those in which the photo mixes both
BEHIND_HAIR = 31  # texels: side of the square about hair beside the jaw in which nothing is drawn that the photo hides
LEAST_LIP, LIP_EDGE = 100, 1.0  # texels of lip that tell its colour; over which it goes over into skin (sigma)
BEHIND = 3.0  # px: how far behind the front of the mesh a texel may lie and still count as seen


@dataclass(frozen=True)
class Texels:
    """Texels of the skin: where they are in the atlas and on the mesh."""

    mask: Array  # [rows, S], S: side of the atlas
    corners: Array  # [n, 3] vertices
    weights: Array  # [n, 3]

    def image(self, values: Array) -> Array:
        """Values [n] or [n, k] laid out as [rows, S(, k)]."""
        out = np.zeros((*self.mask.shape, *values.shape[1:]), np.float32)
        out[self.mask] = values
        return out


def texels(template: Template, scale: int = 1, top: int = 0, rows: int = ATLAS) -> Texels:
    """The texels of the template's skin, in so many rows, from the row top on, of an atlas of scale times its size."""
    skin = template.triangles[template.part == SKIN]
    flat = np.concatenate([scale * template.uv - (0, top), np.zeros((len(template.uv), 1))], 1)
    triangle, weights = raster(flat, skin, rows, scale * ATLAS, culled=False)[1:]
    mask = triangle >= 0
    corners = skin[triangle[mask]]
    del triangle
    return Texels(mask, corners, weights[mask])


def sample(picture: Array, places: Array) -> Array:
    """Colours [n(, k)] of a picture on the canvas at canvas px [n, 2] (bilinear)."""
    scale = picture.shape[0] / CANVAS
    where = [places[:, 1] * scale - 0.5, places[:, 0] * scale - 0.5]
    planes = picture[..., None] if picture.ndim == 2 else picture
    out = np.stack([ndimage.map_coordinates(planes[..., k], where, order=1, mode="nearest") for k in range(planes.shape[2])], 1)
    return out[:, 0] if picture.ndim == 2 else out


def frame_sharp(picture: Array) -> Array:
    """The mean over 2 x 2 px about every pixel centre: what one pixel of the frame sees of the canvas."""
    wider = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows = wider[:-2] + 2 * wider[1:-1] + wider[2:]
    return (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 16


def seen(template: Template, tx: Texels, points: Array) -> tuple[Array, Array, Array]:
    """Canvas places [n, 2] of the texels in the photo (vertices points [V, 3]), how far the photo shows them [n] 0..1, and the
    cosine [n] between surface and view: 1 where it faces the camera."""
    screen = project(points)
    solid = template.triangles[(template.part != RIM) & (template.part != PROXY)]
    depth = raster(screen, solid, CANVAS, CANVAS)[0]  # the others are large
    depth = ndimage.minimum_filter(np.where(np.isinf(depth), 1e6, depth), 3)
    p = at(screen, tx.corners, tx.weights)
    cosine = _facing(points, tx)
    facing = np.clip((cosine - FACING[0]) / (FACING[1] - FACING[0]), 0, 1)
    yi, xi = (np.clip(p[:, k].astype(int), 0, CANVAS - 1) for k in (1, 0))
    front = p[:, 2] < depth[yi, xi] + BEHIND / np.maximum(cosine, 0.3)
    drawn, held = (_twice_the_area(flat, tx.corners) for flat in (screen, template.uv))
    spread = np.clip((drawn / np.maximum(held, 1e-9) - SQUEEZED[0]) / (SQUEEZED[1] - SQUEEZED[0]), 0, 1)
    inside = (p[:, :2] >= 0).all(1) & (p[:, :2] < CANVAS).all(1)
    return p[:, :2], (facing * front * spread * inside).astype(np.float32), cosine


def _facing(points: Array, tx: Texels) -> Array:
    """The cosine [n] between the surface of the texels and the view of it; vertices points [V, 3]."""
    a, b, c = (points[tx.corners[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    del a, b, c  # n is large, and memory is needed
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    view = at(points, tx.corners, tx.weights) - np.array([0, 0, -DISTANCE])
    view /= np.linalg.norm(view, axis=1, keepdims=True)
    return (normal * view).sum(1)


def _twice_the_area(places: Array, corners: Array) -> Array:
    """Of triangles [n, 3] of places [V, 2 or 3]: of x and y alone."""
    a, b, c = (places[corners[:, k], :2] for k in range(3))
    return np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])


def beside_the_jaw(tx: Texels, photo: Array, trust: Array, cosine: Array) -> Array:
    """Which texels [n] of jaw and neck show hair or background, beside which the fitted jaw lies by a few px: 0 or 1.

    photo [n, 3]: their colours. They are near the outline, and unlike the skin (or the beard) that faces the camera.
    """
    sure = fill(tx.image(photo), tx.image(trust * (cosine > SIDE)))[tx.mask].mean(1)
    rows = np.nonzero(tx.mask)[0]
    unlike = tx.image((np.abs(photo.mean(1) - sure) > UNLIKE * sure) & (cosine < SIDE) & (rows > LOW))
    return ndimage.maximum_filter(unlike, MIXED)[tx.mask]


def lips(template: Template, tx: Texels) -> Array:
    """Which texels [n] are lip, with what of it closed lips hide."""
    mask = Image.new("1", (ATLAS, ATLAS))
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in template.at("lips_outer", template.uv)], fill=1)
    return np.asarray(mask)[tx.mask]


def paint(tx: Texels, colour: Array, trust: Array, lends: Array, lip: Array) -> Array:
    """RGB [ATLAS, ATLAS, 3] of the skin from the photo's colour [n, 3] of the texels, trusted as far as trust [n] 0..1.

    Hidden texels go on from the ones that lend [n] their colour, 0..1; those of the lips, lip [n], from lip alone.
    """
    own = tx.image(trust)[..., None]
    photo = tx.image(colour)
    known = trust * lends
    hidden = fill(photo, tx.image(known))
    if known[lip].sum() > LEAST_LIP:
        within = ndimage.gaussian_filter(tx.image(lip.astype(np.float32)), LIP_EDGE)[..., None]
        hidden += within * (fill(photo, tx.image(known * lip)) - hidden)
    return photo * own + hidden * (1 - own)


def shown(tx: Texels, trust: Array, turned_away: Array, cosine: Array, hair: Array) -> Array:
    """How far the texels are drawn [ATLAS, ATLAS] 0..1: what the photo shows, and of the middle everything.

    Ears and temples that the photo does not show are left to the surroundings, which go on behind the face, and so is what a
    turning head would show as its outline: mesh has no soft edges. turned_away [n]: how far the surface itself hides the texels,
    0..1; cosine [n] between surface and view; hair [n]: where hair lies before jaw or neck, what `beside_the_jaw` says: what is
    behind stays hidden.
    """
    known = ndimage.gaussian_filter(tx.image(((trust > 0.5) & (cosine > OUTLINE)).astype(np.float32)), 2.5)
    share = known / np.maximum(ndimage.gaussian_filter(tx.mask.astype(np.float32), 2.5), 1e-3)
    aside = np.abs(np.arange(ATLAS) + 0.5 - ATLAS / 2)
    middle, low = ((end - aside) / (end - start) for start, end in (MIDDLE, LOW_MIDDLE))
    under = ndimage.maximum_filter(tx.image(turned_away), 5) * np.clip(low, 0, 1)
    under *= np.clip((np.arange(ATLAS) - LOW) / SOFT, 0, 1)[:, None]
    under *= 1 - ndimage.gaussian_filter(ndimage.maximum_filter(tx.image(hair), BEHIND_HAIR), 2.5)
    out = np.clip(np.maximum(np.maximum((share - 0.45) / 0.45, middle[None, :]), under), 0, 1).astype(np.float32)
    return out * tx.mask
