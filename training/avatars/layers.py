"""Eyes and mouth parts: their places in the atlas, and the eyes taken apart into iris and sclera, shade and catchlight."""

from __future__ import annotations

import json

import numpy as np
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.build.shape.raster import at, raster
from bithuman_core.build.skin.fill import fill
from training.avatars import outline
from training.avatars.atlas import box2
from training.avatars.mesh import SKIN_ATLAS, Mesh
from training.avatars.source import CANVAS, Bake
from training.avatars.surface import EYE, MOUTH

MOUTH_PARTS = ("mouth_upper", "mouth_lower", "mouth_tongue")
BANDS = {"band_left": 1, "band_right": -1}  # sides of the hair, see outline.py
SOCKET = 128  # px, side of the patch that the walls of the mouth are painted with
MARGIN = 2
LIP, FLESH, LIP_DEPTH = (0.72, 0.40, 0.36), (0.50, 0.20, 0.17), 22.0  # colours in full light; px behind the lips
LEAST_LUMA = 0.15  # of an eye's pixel that tells how much light the lids let through: pupils are black in any light
TONGUE = (1.0, 0.72, 0.68)  # of the tongue in the open light, which is mostly gloss


def boxes(bake: Bake) -> dict[str, list[int]]:
    """x0, y0, x1, y1 of every layer picture on the canvas."""
    layers = json.loads((bake.folder / "layers" / "layers.json").read_text())
    return {name: entry["box"] for name, entry in layers.items()}


def places(size: dict[str, list[int]]) -> tuple[dict[str, tuple[int, int]], int]:
    """Top left corner of every mouth part in the strip below the skin and of the eyes; atlas height."""
    x, y, tall, out = MARGIN, SKIN_ATLAS + MARGIN, 0, {}
    wanted = {name: (size[name][2] - size[name][0], size[name][3] - size[name][1]) for name in MOUTH_PARTS}
    wanted |= {"mouth_socket": (SOCKET, SOCKET), "lash": (24, 16)}
    wanted |= {name: (size[name][2] - size[name][0], size[name][3] - size[name][1]) for name in ("eye_left", "eye_right")}
    wanted |= {name: outline.strip() for name in BANDS}
    for name, (w, h) in wanted.items():
        if x + w + MARGIN > SKIN_ATLAS:
            x, y, tall = MARGIN, y + tall + MARGIN, 0
        out[name] = (x, y)
        x, tall = x + w + MARGIN, max(tall, h)
    return out, -(-(y + tall + MARGIN) // 16) * 16


def mouth_part(bake: Bake, name: str) -> Array:
    """RGBA of one mouth part: lit from the front, as the open light shows it, colour bled to the edges."""
    rgba = bake.picture(f"layers/{name}_flat.png")
    bled = _bled(rgba)
    if name == "mouth_tongue":
        bled[..., :3] *= TONGUE
    return bled


def socket(texture: Array, mesh: Mesh, place: tuple[int, int]) -> None:
    """Paint the walls of the mouth into the atlas: lip colour at the lips, dark flesh behind them."""
    x, y = place
    inside: Array = np.all((mesh.uv >= place) & (mesh.uv < (x + SOCKET, y + SOCKET)), 1)
    triangles = mesh.triangles[inside[mesh.triangles].all(1) & (mesh.part == MOUTH)]
    flat = np.concatenate([mesh.uv - np.array(place), np.zeros((len(mesh.uv), 1))], 1)
    _, triangle, weights = raster(flat, triangles, SOCKET, SOCKET, culled=False)
    mask = triangle >= 0
    z = at(mesh.neutral[:, 2:], triangles[triangle[mask]], weights[mask])[:, 0]
    behind = np.clip((z - z.min()) / LIP_DEPTH, 0, 1)[:, None]
    patch = np.zeros((SOCKET, SOCKET, 3), np.float32)
    patch[mask] = np.array(LIP) * (1 - behind) + np.array(FLESH) * behind
    texture[y: y + SOCKET, x: x + SOCKET, :3] = fill(patch, mask.astype(np.float32))


def _bled(rgba: Array) -> Array:
    solid = ndimage.minimum_filter((rgba[..., 3] > 0.98).astype(np.float32), 3)
    colour = fill(rgba[..., :3], solid)
    return np.dstack([box2(colour), np.ones(solid.shape, np.float32)])


def eye(bake: Bake, mesh: Mesh, side: str, box: list[int]) -> tuple[Array, Array, Array]:
    """Colour [h, w, 3] without catchlight, shade [h, w] of lids and brow, catchlight [h, w, 3] of one straight eye.

    What lids cover in the neutral has the shade that looks to the sides and up show there.
    """
    flat = bake.picture(f"layers/eye_{side}.png")
    placed = bake.picture(f"layers/eye_{side}_insitu.png")
    info = bake.meta["eyes"][side]
    yy, xx = np.mgrid[0:flat.shape[0], 0:flat.shape[1]] + 0.5
    axis = np.array(info["optical_axis_xyz"][:2])
    middle = np.array(info["centre_px"]) - np.array(box[:2]) + axis * info["radius_px_on_canvas"]
    away = np.hypot(xx - middle[0], yy - middle[1])
    iris = info["iris_radius_px_ortho"] * 1.02
    luma = flat[..., :3].mean(2)
    # Inside the iris a catchlight is what the same ring about the optical axis does not have elsewhere.
    ring = np.clip(away.astype(int), 0, int(iris))
    typical = np.array([np.percentile(luma[ring == r], 60) for r in range(int(iris) + 1)])[ring]
    bright = (away < iris * 0.95) & (luma > typical + 0.10)
    bright = ndimage.binary_dilation(bright, iterations=3) & (away < iris * 0.98)
    known = ((flat[..., 3] > 0.98) & ~bright).astype(np.float32)
    clean = fill(flat[..., :3], known)
    light = np.clip(flat[..., :3] - clean, 0, 1) * (bright & (flat[..., 3] > 0.98))[..., None]
    ratio = placed[..., :3].mean(2) / np.maximum(luma, 0.05)
    lit = (placed[..., :3].mean(2) > 0.02) & (flat[..., 3] > 0.9) & ~bright & (luma > LEAST_LUMA)
    opening = np.asarray(ndimage.binary_fill_holes(placed[..., :3].mean(2) > 0.04))
    lit &= ndimage.binary_erosion(opening, iterations=2)  # its outermost pixels are half lid
    warmth = placed[lit, :3].mean(0) / flat[lit, :3].mean(0)  # light that has met the lids
    clean = clean * (warmth / warmth.mean())
    total, known = np.where(lit, ratio, 0), lit.astype(np.float32)
    for look, (yaw, pitch) in _looks(bake, side).items():
        painted = _turned(clean.mean(2), bake, side, box, yaw, pitch)
        seen = _visible(bake, mesh, look, box) & (painted > LEAST_LUMA) & ~opening
        picture = bake.picture(f"shapes/{look}.webp")[..., :3].mean(2)
        place = [(yy + box[1]) * len(picture) / CANVAS - 0.5, (xx + box[0]) * len(picture) / CANVAS - 0.5]
        total += np.where(seen, ndimage.map_coordinates(picture, place, order=1) / np.maximum(painted, LEAST_LUMA), 0)
        known += seen
    total = np.clip(total / np.maximum(known, 1), 0, 1.3)
    shade = fill(total[..., None].astype(np.float32), np.minimum(known, 1))[..., 0]
    shade = ndimage.gaussian_filter(shade, 2.0)
    return box2(clean), shade.astype(np.float32), box2(light.astype(np.float32))


def _looks(bake: Bake, side: str) -> dict[str, tuple[float, float]]:
    """Shapes that turn an eye and leave its lids, and the yaw (+ image right) and pitch (+ up) of each, radians."""
    end, outwards = side.capitalize(), np.radians(bake.model.GAZE_YAW) * (1 if side == "left" else -1)
    return {f"eyeLookOut{end}": (outwards, 0.0), f"eyeLookIn{end}": (-outwards, 0.0),
            f"eyeLookUp{end}": (0.0, np.radians(bake.model.GAZE_UP))}


def _turned(plane: Array, bake: Bake, side: str, box: list[int], yaw: float, pitch: float) -> Array:
    """A plane of the straight eye's picture as the eye shows it that has turned: render/eyes.py without light."""
    info = bake.meta["eyes"][side]
    radius = info["radius_px_on_canvas"] + bake.bulge[side]
    x0, y0 = info["centre_px"][0] - box[0], info["centre_px"][1] - box[1]
    yy, xx = np.mgrid[0:plane.shape[0], 0:plane.shape[1]] + 0.5
    px, py = (xx - x0) / radius, (yy - y0) / radius
    pz = -np.sqrt(np.maximum(1 - px * px - py * py, 0.03))
    qy = np.cos(pitch) * py - np.sin(pitch) * pz
    qz = np.sin(pitch) * py + np.cos(pitch) * pz
    qx = np.cos(yaw) * px + np.sin(yaw) * qz
    return ndimage.map_coordinates(plane, [y0 + qy * radius - 0.5, x0 + qx * radius - 0.5], order=1, mode="nearest")


def _visible(bake: Bake, mesh: Mesh, look: str, box: list[int]) -> Array:
    """Where the picture [h, w] of an eye is seen between the lids in a shape, without the edge."""
    _, triangle, _ = raster(bake.project(mesh.posed({look: 1.0})), mesh.triangles, CANVAS, CANVAS)
    eyeball = (triangle >= 0) & (mesh.part[triangle] == EYE)
    return ndimage.binary_erosion(eyeball, iterations=4)[box[1]: box[3], box[0]: box[2]]
