"""Fitting the skin's texture to pictures: what the rig shows of a known pose is compared with the picture of that pose.

A texel's colour is linear in what the pose says: base + sum of amount x row, a row for every direction that the head turns to.
Every round draws all frames, spreads the difference of every frame over the texels that it shows, and solves a small ridge
regression per texel. The base comes out as sharp (or soft) as makes the drawn frames match, and averages the grain of the single
renders away.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numba import njit
from PIL import Image
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.build.shape.raster import at, raster
from bithuman_core.build.skin.fill import fill
from training.avatars.calibration import FOLDER, HEADS
from training.avatars.mesh import SKIN_ATLAS, Mesh, turned
from training.avatars.source import CANVAS, Bake
from training.avatars.surface import SKIN

ROUNDS = 3
COARSE = SKIN_ATLAS // 4  # texels a side of the rows; the base has SKIN_ATLAS
RIDGE = 0.25  # frames with a full amount: how much evidence a row needs; the base needs a tenth of it
STEP_LIMIT = 0.15  # of a difference that moves the base: more is another surface, not another colour
ROW_BLUR = 0.8  # texels of the rows
AXES = {"yaw": (0, "headYaw"), "pitch": (1, "headPitch"), "roll": (2, "headRoll")}


@dataclass
class Frame:
    """A picture of a known pose: [512, 512, 4] 0..1, coefficients, yaw, pitch and roll in degrees."""

    name: str
    picture: Array
    coefficients: dict[str, float]
    head: tuple[float, float, float]


def frames(bake: Bake, folder: Path = FOLDER) -> list[Frame]:
    """The neutral face and the calibration frames that are there (see calibration.py)."""
    out = [Frame("neutral", bake.picture("shapes/neutral.webp"), {}, (0.0, 0.0, 0.0))]
    listed = folder / bake.name / "poses.json"
    for name, pose in json.loads(listed.read_text()).items() if listed.exists() else ():
        path = listed.with_name(f"{name}.webp")
        if path.exists():
            picture = np.asarray(Image.open(path), np.float32) / 255
            out.append(Frame(name, picture, pose["coefficients"], tuple(pose["head"])))
    return out


def drivers() -> list[dict[str, object]]:
    """What drives each fitted row, as the manifest says it."""
    return [{"head": AXES[name[:-1]][1], "degrees": float(ypr[AXES[name[:-1]][0]])} for name, ypr in HEADS.items()]


def amounts(frame: Frame) -> Array:
    """How far every fitted row acts in a frame: [rows]."""
    axes = [(AXES[name[:-1]][0], ypr) for name, ypr in HEADS.items()]
    return np.array([np.clip(frame.head[axis] / ypr[axis], 0, 1) for axis, ypr in axes])


@njit(cache=True)
def _draw(uv, texture, out):
    """out [n, 3] = mean of texture (bilinear) at the four places uv [n, 4, 2] (texel centres at whole numbers)."""
    for i in range(uv.shape[0]):
        for k in range(3):
            out[i, k] = 0.0
        for s in range(4):
            x, y = uv[i, s, 0], uv[i, s, 1]
            ix, iy = int(x), int(y)
            fx, fy = x - ix, y - iy
            for k in range(3):
                top = texture[iy, ix, k] * (1 - fx) + texture[iy, ix + 1, k] * fx
                low = texture[iy + 1, ix, k] * (1 - fx) + texture[iy + 1, ix + 1, k] * fx
                out[i, k] += 0.25 * (top * (1 - fy) + low * fy)


@njit(cache=True)
def _spread(uv, values, total, weight):
    """The other way: add values [n, 3] to the texels total [h, w, 3] that show them, with their weight [h, w]."""
    for i in range(uv.shape[0]):
        for s in range(4):
            x, y = uv[i, s, 0], uv[i, s, 1]
            ix, iy = int(x), int(y)
            fx, fy = x - ix, y - iy
            for dy in range(2):
                for dx in range(2):
                    w = (fx if dx else 1 - fx) * (fy if dy else 1 - fy)
                    weight[iy + dy, ix + dx] += w
                    for k in range(3):
                        total[iy + dy, ix + dx, k] += w * values[i, k]


@dataclass
class View:
    """The pixels of a frame that show nothing but skin: their texture places [n, 4, 2] (2 x 2 samples) and colours [n, 3]."""

    uv: Array
    colour: Array


def view(bake: Bake, mesh: Mesh, alpha: Array, frame: Frame) -> View:
    """Where a frame shows the skin. alpha [SKIN_ATLAS, SKIN_ATLAS]: of the skin's texture."""
    c = dict(frame.coefficients)
    c["mouthClose"] = min(c.get("mouthClose", 0.0), c.get("jawOpen", 0.0))
    points = bake.project(turned(bake, mesh.posed(c), mesh.weight, frame.head))
    _, triangle, weights = raster(points, mesh.triangles, CANVAS, CANVAS)
    skin = (triangle >= 0) & (mesh.part[triangle] == SKIN)
    place = np.zeros((CANVAS, CANVAS, 2), np.float32)
    place[skin] = np.clip(at(mesh.uv, mesh.triangles[triangle[skin]], weights[skin]) - 0.5, 0, SKIN_ATLAS - 1.001)
    solid = skin & (ndimage.map_coordinates(alpha, [place[..., 1], place[..., 0]], order=1) > 0.99)
    half = CANVAS // 2
    whole = solid.reshape(half, 2, half, 2).all((1, 3)) & (frame.picture[..., 3] > 0.99)
    whole = ndimage.binary_erosion(whole)
    four = place.reshape(half, 2, half, 2, 2).transpose(0, 2, 1, 3, 4).reshape(half, half, 4, 2)
    return View(np.ascontiguousarray(four[whole]), np.ascontiguousarray(frame.picture[whole][:, :3]))


def grown(picture: Array, times: int) -> Array:
    """Twice the size, ``times`` times over (bilinear)."""
    for _ in range(times):
        for axis in (0, 1):
            edge = np.pad(picture, [(1, 1) if k == axis else (0, 0) for k in range(picture.ndim)], mode="edge")
            n = picture.shape[axis]
            before, after = edge.take(range(n), axis), edge.take(range(2, n + 2), axis)
            pair = np.stack([0.75 * picture + 0.25 * before, 0.75 * picture + 0.25 * after], axis + 1)
            picture = pair.reshape(*picture.shape[:axis], 2 * n, *picture.shape[axis + 1:])
    return picture.astype(np.float32)


def fit(bake: Bake, mesh: Mesh, skin: Array, added: Callable[[dict[str, float]], Array],
        pictures: list[Frame]) -> tuple[Array, Array]:
    """Improved base [SKIN_ATLAS, SKIN_ATLAS, 3] and rows [len(drivers()), 2 COARSE, 2 COARSE, 3], both in 0..1.

    skin [SKIN_ATLAS, SKIN_ATLAS, 4]: the base to begin with. added: what the shapes add for coefficients, at SKIN_ATLAS / 2.
    """
    base = skin[..., :3].copy()
    seen = [view(bake, mesh, skin[..., 3], f) for f in pictures]
    driven = np.stack([amounts(f) for f in pictures])  # [frames, rows]
    known = [grown(added(f.coefficients), 1) for f in pictures]
    rows = np.zeros((driven.shape[1], COARSE, COARSE, 3), np.float32)
    columns = np.concatenate([np.ones((len(pictures), 1)), driven], 1)
    ridge = RIDGE * np.diag([0.1] + [1.0] * driven.shape[1])
    for turn in range(ROUNDS):
        off, weight, error = [], [], []
        for f, v in enumerate(seen):
            colour = np.empty_like(v.colour)
            own = grown(np.tensordot(driven[f], rows, 1), 2)
            _draw(v.uv, base + known[f] + own, colour)
            total, w = np.zeros_like(base), np.zeros(base.shape[:2], np.float32)
            _spread(v.uv, v.colour - colour, total, w)
            error.append(float(np.square(v.colour - colour).mean()))
            off.append(total / np.maximum(w, 1e-6)[..., None])
            weight.append(np.minimum(w, 1.0))
        print(f"fit {turn}: {10 * np.log10(1 / np.mean(error)):.2f} dB over {len(seen)} frames", flush=True)
        small = np.stack([_shrunk(o * w[..., None]) for o, w in zip(off, weight, strict=True)])
        share = np.stack([_shrunk(w[..., None])[..., 0] for w in weight])  # [frames, COARSE, COARSE]
        left = np.einsum("fi,fyx,fj->yxij", columns, share, columns) + ridge
        right = np.einsum("fi,fyxk->yxik", columns, small)
        found = np.linalg.solve(left, right)[..., 1:, :].transpose(2, 0, 1, 3)
        shown = np.minimum(share.sum(0) / 0.5, 1).astype(np.float32)
        for k, row in enumerate(found):
            rows[k] += fill(ndimage.gaussian_filter(row.astype(np.float32), (ROW_BLUR, ROW_BLUR, 0)), shown)
        change, evidence = np.zeros_like(base), np.full(base.shape[:2], 0.1 * RIDGE, np.float32)
        for f, (o, w) in enumerate(zip(off, weight, strict=True)):
            rest = o - grown(np.tensordot(driven[f], found, 1), 2)
            change += np.clip(rest, -STEP_LIMIT, STEP_LIMIT) * w[..., None]
            evidence += w
        base = np.clip(base + change / evidence[..., None], 0, 1)
    return base, grown(rows.transpose(1, 2, 3, 0), 1).transpose(3, 0, 1, 2)


def _shrunk(picture: Array) -> Array:
    """Mean over 4 x 4 texels."""
    n = picture.shape[0] // 4
    return picture.reshape(n, 4, n, 4, -1).mean((1, 3))
