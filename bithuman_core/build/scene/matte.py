"""The person's matte: MediaPipe's selfie segmentation, refined to the edges of hair, and the person's own colours at those edges.

He, Sun, "Fast guided filter" (2015) carries the coarse matte to the edges of the picture; there, each px is unmixed into the
colours of person and background around it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.spatial import ConvexHull

from bithuman_core.build.photo.models import Net
from bithuman_core.build.photo.pixels import halved
from bithuman_core.build.photo.portrait import CANVAS
from bithuman_core.build.scene.beyond import beyond
from bithuman_core.build.shape.canvas import Canvas
from bithuman_core.build.shape.distance import distance_to
from bithuman_core.build.skin.fill import fill
from bithuman_core.render.smoothstep import smoothstep

Array = NDArray[np.float32]

NET_SIDE = 256
MARGIN = 96
"""Px of the half-size picture by which the net's second look is wider."""
BRIGHT = 0.25
"""Median of the face's colours to which a darker photo is brought before person and background are told apart."""
SURE = 0.06
"""Where the net's value is this near to 0 or 1, it is believed (if not at an edge)."""
EDGE = 10
"""Px about the edge of the coarse matte where it is not."""
REACH = 64
"""Px from the coarse edge that hair may fly."""
RADIUS, EPSILON = 8, 2e-4
"""Window (px of the half-size picture) and regularisation (squared colours 0..1) of the guided filter."""
UNDECIDED = 0.15, 0.75
"""Values of the guided filter that become 0 and 1: the net is soft where it is unsure, not only at soft edges."""
DISTINCT = 0.12
"""Distance of the colours of person and background (RGB 0..1) from which they can be told apart."""
BUSY = 12.0
"""How much a varied background, varied clothes or a foreign colour count against telling them apart."""
AROUND = 24.0
"""Px (sigma) over which the variation is measured."""


def person(net: Net, canvas: Canvas) -> tuple[Array, Array]:
    """Matte [H, W] 0..1 and the person's colours [H, W, 3]: the old background taken out, continued beyond the edge."""
    face = _face(canvas)
    light = max(1.0, BRIGHT / max(float(np.median(canvas.picture[face])), 0.02))
    lit = np.minimum(canvas.picture * np.float32(light), 1)
    coarse = segment(net, lit, face, canvas.corner)
    known_person, known_ground = _known(coarse, face)
    known_ground &= canvas.inside
    sharp = smoothstep(guided(lit, coarse), *UNDECIDED)
    front, back = fill(lit, known_person.astype(np.float32)), fill(lit, known_ground.astype(np.float32))
    alpha = unmixed(lit, front, back, sharp, (variance(lit, known_person), variance(lit, known_ground)))
    alpha[known_person], alpha[known_ground] = 1, 0
    colour = _own_colour(lit, front, back, alpha) / np.float32(light)
    return beyond(alpha, canvas), np.where(alpha[..., None] == 1, canvas.picture, colour)


def segment(net: Net, picture: Array, face: NDArray[np.bool_], corner: tuple[int, int] = (0, 0)) -> Array:
    """The net's matte [H, W] 0..1 of a picture [H, W, 3], of what hangs together with the face [H, W].

    corner: x, y of the square about the head, which the net sees on its own; what lies around, it sees in the whole picture.
    """
    height, width = picture.shape[:2]
    left, top = corner
    mean = _square_matte(net, picture[top : top + CANVAS, left : left + CANVAS])
    if width != height:
        mean = _around(net, picture, mean, (left // 2, top // 2))
    labels = np.asarray(ndimage.label((mean > 0.5) | face[::2, ::2])[0])  # type: ignore[index]
    solid = np.asarray(ndimage.binary_fill_holes(labels == np.bincount(labels[face[::2, ::2]]).argmax()), bool)
    near = distance_to(solid) < REACH / 2
    return np.clip(enlarged(np.where(solid, np.maximum(mean, 0.5), mean * near).astype(np.float32), (width, height)), 0, 1)


def _square_matte(net: Net, picture: Array) -> Array:
    """Matte [S / 2, S / 2] of a square picture [S, S, 3]: mean over two sizes and their mirror images."""
    half = len(picture) // 2
    whole = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    wider = Image.fromarray(np.pad(np.asarray(whole.reduce(2)), ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="reflect"))
    side, edge = half + 2 * MARGIN, MARGIN
    zoomed = enlarged(seen(net, wider), (side, side))[edge : side - edge, edge : side - edge]
    return (enlarged(seen(net, whole), (half, half)) + zoomed) * np.float32(0.5)


def _around(net: Net, picture: Array, square: Array, corner: tuple[int, int]) -> Array:
    """Matte [H / 2, W / 2] of a picture [H, W, 3]: that of its square, which goes over into that of the whole at its edges."""
    height, width = (side // 2 for side in picture.shape[:2])
    side = max(height, width)
    room = [((side - n) // 2, side - n - (side - n) // 2) for n in (height, width)]
    whole = _square_matte(net, np.pad(picture, (*((2 * a, 2 * b) for a, b in room), (0, 0)), mode="edge"))
    (above, _), (before, _) = room
    mean = whole[above : above + height, before : before + width].copy()
    (left, top), n = corner, len(square)
    along = np.minimum(np.arange(n) + 0.5, n - np.arange(n) - 0.5) / REACH
    ramp = np.broadcast_to(along if width > height else along[:, None], square.shape)
    share = np.clip(ramp, 0, 1).astype(np.float32)
    mean[top : top + n, left : left + n] += share * (square - mean[top : top + n, left : left + n])
    return mean


def seen(net: Net, picture: Image.Image) -> Array:
    """Matte of a square picture [NET_SIDE, NET_SIDE]."""
    return (looked_at(net, picture) + looked_at(net, picture, mirrored=True)) / np.float32(2)


def looked_at(net: Net, picture: Image.Image, *, mirrored: bool = False) -> Array:
    """Matte of a square picture as the net sees it, or its mirror image [NET_SIDE, NET_SIDE]."""
    values = np.asarray(picture.resize((NET_SIDE, NET_SIDE), Image.Resampling.BOX), np.float32) / np.float32(255)
    way = slice(None, None, -1 if mirrored else 1)
    return np.asarray(net(values[:, way])[0].reshape(NET_SIDE, NET_SIDE)[:, way], np.float32)


def enlarged(values: Array, size: tuple[int, int]) -> Array:
    """Values as a picture of this width and height."""
    return np.array(Image.fromarray(values).resize(size, Image.Resampling.BICUBIC))


def _face(canvas: Canvas) -> NDArray[np.bool_]:
    points = canvas.landmarks[:468, :2]
    outline = points[ConvexHull(points).vertices]
    height, width = canvas.inside.shape
    drawn = Image.new("1", (width, height))
    ImageDraw.Draw(drawn).polygon([(float(x), float(y)) for x, y in outline], fill=1)
    return np.asarray(drawn)


def _known(coarse: Array, face: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Px that are surely the person, and surely background."""
    solid = (coarse > 0.5) | face
    inwards, outwards = distance_to(~solid), distance_to(solid)
    person = ((inwards > EDGE) & (coarse > 1 - SURE)) | (inwards > REACH) | face
    return person, ((outwards > EDGE) & (coarse < SURE)) | (outwards > REACH)


def guided(picture: Array, values: Array) -> Array:
    """Guided filter: ``values`` [H, W] as a locally linear function of the colours, from the half-size picture."""
    height, width = values.shape
    linear = linear_in(halved(picture), halved(values), RADIUS)
    planes = [enlarged(plane, (width, height)) for plane in linear]
    return np.clip(sum(planes[k] * picture[..., k] for k in range(3)) + planes[3], 0, 1)


def linear_in(guide: Array, values: Array, radius: int) -> list[Array]:
    """Three slopes and an offset, planes [h, w]: what ``values`` [h, w] are of the guide's colours [h, w, 3] about each px."""

    def mean(plane: Array) -> Array:
        return np.asarray(ndimage.uniform_filter(plane, 2 * radius + 1, mode="nearest"), np.float32)

    colours = [np.ascontiguousarray(guide[..., k]) for k in range(3)]
    means, average = [mean(colour) for colour in colours], mean(values)

    def covariance(i: int, j: int) -> Array:
        moved = mean(colours[i] * colours[j]) - means[i] * means[j]
        return np.asarray(moved + np.float32(EPSILON * (i == j)), np.float32)

    mixed = [mean(colours[k] * values) - means[k] * average for k in range(3)]
    slope = _solved(*(covariance(i, j) for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))), *mixed)
    offset = np.asarray(average - sum(slope[k] * means[k] for k in range(3)), np.float32)
    return [mean(plane) for plane in (*slope, offset)]


def _solved(aa: Array, ab: Array, ac: Array, bb: Array, bc: Array, cc: Array, x: Array, y: Array, z: Array) -> list[Array]:
    """Solutions of symmetric systems of three by Cramer's rule, px by px: a tenth of the time of a general solver."""
    first, second, third = bb * cc - bc * bc, ac * bc - ab * cc, ab * bc - ac * bb
    whole = aa * first + ab * second + ac * third
    rest = aa * cc - ac * ac, ab * ac - aa * bc, aa * bb - ab * ab
    found = (
        (first * x + second * y + third * z) / whole,
        (second * x + rest[0] * y + rest[1] * z) / whole,
        (third * x + rest[1] * y + rest[2] * z) / whole,
    )
    return [np.asarray(each, np.float32) for each in found]


def unmixed(picture: Array, front: Array, back: Array, guided: Array, noise: tuple[Array, Array]) -> Array:
    """How much of the way from the background's colour to the person's a px has gone; ``guided`` where the two do not differ
    clearly more than that of them varies which it is made of (``noise`` of person and background [H, W], squared colours), or
    where the px has neither's colour."""
    across = front - back
    gone = picture - back
    length = _product(across, across)
    share = np.clip(_product(gone, across) / np.maximum(length, 1e-6), 0, 1)
    gone -= share[..., None] * across
    rest = _product(gone, gone)
    varied = noise[1] + share * (noise[0] - noise[1])
    trust = length / (length + DISTINCT**2 + BUSY * varied + BUSY * rest)
    return (guided + trust * (share - guided)).astype(np.float32)


def _product(a: Array, b: Array) -> Array:
    """Inner products [H, W] of colours."""
    return np.einsum("hwk,hwk->hw", a, b)


def variance(picture: Array, known: NDArray[np.bool_]) -> Array:
    """How much the colours of the known px vary around each px, [H, W] squared colours."""
    weight = known[::4, ::4].astype(np.float32)
    guide = picture[::4, ::4]
    total = ndimage.gaussian_filter(weight, AROUND / 4) + 1e-4

    def mean(plane: Array) -> Array:
        return np.asarray(ndimage.gaussian_filter(plane * weight, AROUND / 4) / total, np.float32)

    spread = sum(np.maximum(mean(guide[..., k] ** 2) - mean(guide[..., k]) ** 2, 0) for k in range(3))
    height, width = known.shape
    return enlarged(np.asarray(spread, np.float32), (width, height))


def _own_colour(picture: Array, front: Array, back: Array, alpha: Array) -> Array:
    """The picture with the background's share taken out; where little is left to see, the person's colour nearby."""
    own = np.clip((picture - (1 - alpha[..., None]) * back) / np.maximum(alpha[..., None], 0.1), 0, 1)
    trust = np.clip((alpha[..., None] - 0.2) / 0.6, 0, 1)
    return (front + trust * (own - front)).astype(np.float32)
