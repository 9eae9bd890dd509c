"""The texture atlas: what every point of the mesh looks like in the neutral face, and what each shape adds to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.draw import polygon
from skimage.morphology import remove_small_objects

from bithuman_core.build.arrays import Array
from bithuman_core.build.shape.raster import at, raster
from bithuman_core.build.skin.fill import fill
from training.avatars.mesh import SKIN_ATLAS, Mesh
from training.avatars.source import CANVAS, Bake
from training.avatars.surface import LASH, SKIN

# Poses that show skin which the neutral hides: lids, inner lips. Tried in this order.
REVEALING = ("jawOpen", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "mouthFunnel",
             "mouthShrugLower", "eyeLookDownLeft", "eyeLookDownRight", "mouthPucker")  # fmt: skip
CHANGED = 3 / 255  # mean difference about a pixel above which it counts as changed between two pictures
IN_FRONT = 6.0  # px: hair less than this behind the mesh counts as on it
LARGEST, LARGEST_GUESS = 0.3, 0.1  # of what a shape may add where the neutral shows the skin, and where it hides it
UPPER_LID = 3.0  # canvas px below the line between an eye's corners: what is above belongs to the upper lid
SPECK = 60  # texels: smaller islands of known texture are not trusted
SQUEEZED = (0.06, 0.15)  # canvas px a texel of the same
FACING = (0.03, 0.15)  # cosine to the view below which a texel is not trusted, and from which it is fully


@dataclass
class Texels:
    """Texels of the skin at one size: where they are in the atlas and on the mesh."""

    size: int
    mask: Array  # [size, size]
    corners: Array  # [n, 3] rig vertices
    weights: Array  # [n, 3]

    def image(self, values: Array) -> Array:
        """Values [n, k] (or [n]) laid out as [size, size, k]."""
        out = np.zeros((self.size, self.size, *values.shape[1:]), np.float32)
        out[self.mask] = values
        return out


def texels(mesh: Mesh, size: int) -> Texels:
    """The texels of the skin in an atlas of size x size."""
    skin = mesh.triangles[mesh.part == SKIN]
    flat = np.concatenate([mesh.uv * size / SKIN_ATLAS, np.zeros((len(mesh.uv), 1))], 1)
    _, triangle, weights = raster(flat, skin, size, size, culled=False)
    mask = triangle >= 0
    return Texels(size, mask, skin[triangle[mask]], weights[mask])


def look(bake: Bake, mesh: Mesh, tx: Texels, points: Array, picture: Array, skin: Array,
         tolerance: float = 2.0) -> tuple[Array, ...]:
    """Texels in a picture of the posed mesh: colour [n, 3], trust [n] 0..1, value of skin [n], 1 where the mesh shows them [n].

    points: posed vertices (px space). skin [h, w] 0..1: which pixels of the picture show skin (of whatever size).
    """
    screen = bake.project(points)
    depth, _, _ = raster(screen, mesh.triangles[mesh.part != LASH], CANVAS, CANVAS)
    depth = ndimage.minimum_filter(np.where(np.isinf(depth), 1e6, depth), 3)
    p = at(screen, tx.corners, tx.weights)
    a, b, c = (points[tx.corners[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    view = at(points, tx.corners, tx.weights) - np.array([0, 0, -bake.distance])
    view /= np.linalg.norm(view, axis=1, keepdims=True)
    cosine = (normal * view).sum(1)
    facing = np.clip((cosine - FACING[0]) / (FACING[1] - FACING[0]), 0, 1)
    yi, xi = (np.clip(p[:, k].astype(int), 0, CANVAS - 1) for k in (1, 0))
    slope = 1 / np.maximum(cosine, 0.3)
    open_ = (p[:, 2] < depth[yi, xi] + tolerance * slope).astype(np.float32)
    scale = picture.shape[0] / CANVAS
    place = [p[:, 1] * scale - 0.5, p[:, 0] * scale - 0.5]
    colour = np.stack([ndimage.map_coordinates(picture[..., k], place, order=3, mode="nearest") for k in range(3)], 1)
    shown = ndimage.map_coordinates(skin, [p[:, 1] * skin.shape[0] / CANVAS - 0.5, p[:, 0] * skin.shape[0] / CANVAS - 0.5],
                                    order=1, mode="nearest")
    # Texels squeezed into little more than nothing (a folded lid) are better seen elsewhere.
    a, b, c = (screen[tx.corners[:, k], :2] for k in range(3))
    drawn = np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
    a, b, c = (mesh.uv[tx.corners[:, k]] for k in range(3))
    held = np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
    facing = facing * np.clip((drawn / np.maximum(held, 1e-9) - SQUEEZED[0]) / (SQUEEZED[1] - SQUEEZED[0]), 0, 1)
    return colour.astype(np.float32), (facing * open_ * shown).astype(np.float32), shown.astype(np.float32), open_


def box2(picture: Array) -> Array:
    """The mean over 2 x 2 px about every pixel centre: what one 512 px pixel sees of a 1024 px picture."""
    k = np.array([0.25, 0.5, 0.25])
    return ndimage.convolve1d(ndimage.convolve1d(picture, k, 0), k, 1)


def base(bake: Bake, mesh: Mesh, tx: Texels) -> tuple[Array, Array]:
    """Colour and alpha [size, size, 4] of the neutral skin and [size, size] where the neutral picture itself shows it."""
    bare = bake.parts("skin", "brow", "beard").astype(np.float32)  # lashes have a mesh of their own
    surface = raster(bake.project(mesh.neutral), mesh.triangles, CANVAS, CANVAS)[0]
    nearest = np.asarray(ndimage.distance_transform_edt(~np.isfinite(surface), return_distances=False, return_indices=True))
    # Hair that is behind the mesh, beside its silhouette, does not hide it: there the mesh has its own edge.
    in_front = bake.parts("hair", "cloth") & (bake.depth < surface[nearest[0], nearest[1]] + IN_FRONT)
    soft = ndimage.gaussian_filter(1 - in_front.astype(np.float32), 0.8)
    solid = ndimage.minimum_filter(bare, 3)
    picture = bake.picture("neutral.png")
    colour, trust, _, open_ = look(bake, mesh, tx, mesh.neutral, box2(picture[..., :3]), solid)
    _, _, alpha, _ = look(bake, mesh, tx, mesh.neutral, picture[..., :3], soft)
    own = trust.copy()
    lids = bake.picture("lids.png")
    sources = [({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, lids, ndimage.maximum_filter(solid, 25))]  # lids cover the eyes
    wider = ndimage.maximum_filter(solid, 41)
    sources += [({name: 1.0}, bake.picture(f"shapes/{name}.webp"), wider) for name in REVEALING]
    total = colour * trust[:, None]
    near = _at(_near_features(bake), bake, mesh.neutral, tx)
    for pose, image, mask in sources:
        c, t, _, _ = look(bake, mesh, tx, mesh.posed(pose), np.ascontiguousarray(image[..., :3]), mask)
        t = np.where(t > 0.6, t, 0) * (near > 0.5)
        left = np.clip(1 - trust, 0, 1) * (trust < 0.5)
        add = np.minimum(left, t)
        total += c * add[:, None]
        trust += add
    known = tx.image(np.clip(trust, 0, 1))
    known *= remove_small_objects(known > 0.3, max_size=SPECK)
    image = tx.image(total / np.maximum(trust, 1e-6)[:, None])
    image = fill(image, known)
    alpha_known = tx.image((open_ > 0.5).astype(np.float32))
    alpha_image = fill(tx.image(alpha)[..., None], alpha_known)[..., 0]
    return np.concatenate([image, np.clip(alpha_image, 0, 1)[..., None]], 2), tx.image(own)


def behind_rims(bake: Bake, mesh: Mesh, tx: Texels, own: Array) -> Array:
    """Texels [size, size] near mouth and lower lids that the neutral picture does not show; upper lids are dark in truth."""
    near = _at(_near_features(bake), bake, mesh.neutral, tx) > 0.5
    p = at(bake.project(mesh.neutral), tx.corners, tx.weights)
    points = np.load(bake.folder / "landmarks.npz")["mediapipe478"][0]
    for a, b in ((33, 133), (362, 263)):  # corners of an eye, from image left to right
        (ax, ay), (bx, by) = points[a, :2], points[b, :2]
        chord = ay + (p[:, 0] - ax) * (by - ay) / (bx - ax)
        here = (np.abs(p[:, 0] - (ax + bx) / 2) < bx - ax) & (np.abs(p[:, 1] - chord) < bx - ax)
        near &= ~(here & (p[:, 1] < chord + UPPER_LID))
    return tx.image(near.astype(np.float32)).astype(bool) & (own < 0.5)


def covered(bake: Bake, mesh: Mesh) -> Array:
    """Pixels of the canvas that the mesh covers in the neutral."""
    return np.isfinite(raster(bake.project(mesh.neutral), mesh.triangles, CANVAS, CANVAS)[0])


def hidden(mesh: Mesh, alpha: Array) -> Array:
    """Triangles of the skin that hair or clothes cover altogether."""
    largest = ndimage.maximum_filter(alpha, 5)
    y, x = (np.clip(mesh.uv[:, k].astype(int), 0, len(alpha) - 1) for k in (1, 0))
    return (mesh.part == SKIN) & (largest[y, x][mesh.triangles] < 0.02).all(1)


def residuals(bake: Bake, mesh: Mesh, tx: Texels, start: Array, own: Array) -> Array:
    """What every shape at 1 adds to the colour of a texel: [shapes, size, size, 3], in 0..1.

    start [size, size, 3]: the neutral atlas at this size; own: where the neutral picture itself shows the texel.
    """
    shown = ndimage.minimum_filter(bake.parts("skin", "brow", "beard", "lash").astype(np.float32), 3)
    reachable = np.maximum(shown, _near_features(bake))
    neutral = bake.picture("shapes/neutral.webp")
    figure = ndimage.zoom(reachable, 0.5, order=1)
    before, trust0, _, _ = look(bake, mesh, tx, mesh.neutral, np.ascontiguousarray(neutral[..., :3]), shown)
    seen = (own[tx.mask] > 0.5) & (trust0 > 0.5)
    before = np.where(seen[:, None], before, start[tx.mask])
    out = np.zeros((len(mesh.names), tx.size, tx.size, 3), np.float32)
    for s, name in enumerate(mesh.names):
        picture = bake.picture(f"shapes/{name}.webp")
        c, t, _, _ = look(bake, mesh, tx, mesh.posed({name: 1.0}), np.ascontiguousarray(picture[..., :3]), reachable)
        gap = np.abs(picture[..., :3].mean(2) - neutral[..., :3].mean(2)) * figure
        changed = ndimage.gaussian_filter(gap, 2.5) > CHANGED
        changed = ndimage.binary_opening(changed, iterations=2)
        changed = ndimage.gaussian_filter(ndimage.binary_dilation(changed, iterations=4).astype(np.float32), 2)
        active = np.clip(_at(changed, bake, mesh.posed({name: 1.0}), tx) + _at(changed, bake, mesh.neutral, tx), 0, 1)
        firm = ndimage.binary_erosion(tx.image(t) > 0.4, border_value=1, mask=tx.mask) & tx.mask
        known = firm[tx.mask] | (active < 0.01)
        difference = tx.image((c - before) * (known & (active > 0.01))[:, None])
        bound = tx.image(np.where(seen, LARGEST, LARGEST_GUESS).astype(np.float32))[..., None]
        out[s] = np.clip(calm(fill(difference, tx.image(known.astype(np.float32)))), -bound, bound) * tx.image(active)[..., None]
    return out


def calm(picture: Array) -> Array:
    """Without the grain of the render and the colour blocks of the pictures' compression."""
    luma = picture.mean(2, keepdims=True)
    chroma = ndimage.gaussian_filter(picture - luma, (2.0, 2.0, 0))
    return ndimage.gaussian_filter(luma, (0.7, 0.7, 0)) + chroma


def _at(mask: Array, bake: Bake, points: Array, tx: Texels) -> Array:
    p = at(bake.project(points), tx.corners, tx.weights) * mask.shape[0] / CANVAS
    return ndimage.map_coordinates(mask, [p[:, 1] - 0.5, p[:, 0] - 0.5], order=1, mode="nearest")


def _near_features(bake: Bake) -> Array:
    """Pixels about eyes and mouth, where shapes show skin in front of what the neutral shows."""
    inside = bake.parts("eye", "mouth")
    lips = np.load(bake.folder / "landmarks.npz")["lips_outer"][0]
    inside[polygon(lips[:, 1], lips[:, 0], inside.shape)] = True
    return ndimage.maximum_filter(inside.astype(np.float32), 31)
