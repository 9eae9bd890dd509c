"""Build an avatar from a bake and print its size and its fidelity to the truth frames (see README.md for the command)."""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.morphology import remove_small_objects

from bithuman_core.build.arrays import Array
from bithuman_core.imx import Manifest, read_imx, write_imx
from bithuman_core.motion.gesture import Gesture
from bithuman_core.render import read_rig
from training.avatars import atlas, backdrop, cover, fit, layers, mesh, mouth_cover, outline, rims, temples
from training.avatars.decimate import decimate
from training.avatars.source import CANVAS, Bake
from training.avatars.surface import SKIN

BUILDER = "bake_to_imx 1"
GESTURES = Path(__file__).with_name("gestures")
RESIDUAL = atlas.SKIN_ATLAS // 2  # px, side of the atlas of what shapes add to the skin
COARSENESS = 1.5  # px of the canvas that fewer triangles may cost
LEAST_MOVE = 0.06  # px: smaller deltas are dropped
LEAST_CHANGE = 2.0 / 255  # residual boxes end where nothing is larger
LEAST_DETAIL = 2.5 / 255
LIMITS = {"headYaw": (-18.0, 18.0), "headPitch": (-13.0, 13.0), "headRoll": (-13.0, 13.0), "headX": (-0.12, 0.12),
          "headY": (-0.10, 0.10), "headZ": (-0.25, 0.25)}  # fmt: skip
PIXEL_FILTER = 1 / 16  # a neighbour's share: widens the 1 px of our samples to the 1.5 px of the path tracer's filter
LASHES = np.array((0.05, 0.035, 0.03), np.float32)  # colour at their roots
LANDMARKS = (13, 14, 61, 291, 33, 133, 362, 263)  # MediaPipe numbers: inner lips, mouth corners, eye corners
ATTRIBUTION = (
    'Character geometry: ICT-FaceKit "Light" model, Copyright (c) 2020 USC Institute for Creative Technologies, MIT licence. '
    "Skin textures and clothes: MakeHuman assets, CC0 (makehumancommunity.org). Hair, brows, eyes, shaders and pictures: this "
    "project. The characters are random points of a statistical model and depict no real person."
)


def encoded(picture: Array, quality: int | None) -> Array:
    """A float 0..1 RGB(A) picture as WebP bytes; quality None: lossless."""
    u8 = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    stream = io.BytesIO()
    if quality is None:
        Image.fromarray(u8).save(stream, "WEBP", lossless=True, quality=70, method=4, exact=True)
    else:
        Image.fromarray(u8).save(stream, "WEBP", quality=quality, method=5, alpha_quality=95, exact=True)
    return np.frombuffer(stream.getvalue(), np.uint8)


def sparse(deltas: Array) -> tuple[Array, Array, Array]:
    """Shape deltas [S, V, 3] as start [S + 1], index [N], delta [N, 3]."""
    start, index, values = [0], [], []
    for d in deltas:
        moved = np.flatnonzero(np.abs(d).max(1) > LEAST_MOVE)
        index.append(moved)
        values.append(d[moved])
        start.append(start[-1] + len(moved))
    return (np.array(start, np.uint32), np.concatenate(index).astype(np.uint16), np.concatenate(values).astype(np.float16))


def residual_arrays(residual: Array) -> dict[str, Array]:
    """Residuals [S, n, n, 3] as a smooth part at half size and the detail that it misses, each cut to its box."""
    n = residual.shape[1]
    smooth = residual.reshape(len(residual), n // 2, 2, n // 2, 2, 3).mean((2, 4))
    detail = np.stack([r - expand(s) for r, s in zip(residual, smooth, strict=True)])
    return boxed("residual", smooth, LEAST_CHANGE) | boxed("detail", detail, LEAST_DETAIL)


def expand(half: Array) -> Array:
    """Twice the size, bilinear, as the renderer does it."""
    for axis in (0, 1):
        before, after = np.roll(half, 1, axis), np.roll(half, -1, axis)
        pair = np.stack([0.75 * half + 0.25 * before, 0.75 * half + 0.25 * after], axis + 1)
        half = pair.reshape(*half.shape[:axis], 2 * half.shape[axis], *half.shape[axis + 1:])
    return half


def boxed(name: str, pictures: Array, least: float) -> dict[str, Array]:
    """Boxes [S, 4] (x0, y0, x1, y1), starts [S + 1] in one byte vector, and the scale [S] of its int8 values (levels)."""
    boxes, data, scales, start = [], [], [], [0]
    for r in pictures:
        big = np.abs(ndimage.uniform_filter(r, 3, axes=(0, 1))).max(2) > least
        big = remove_small_objects(big, max_size=12)
        ys, xs = np.flatnonzero(big.any(1)), np.flatnonzero(big.any(0))
        x0, y0, x1, y1 = (xs[0], ys[0], xs[-1] + 1, ys[-1] + 1) if len(xs) else (0, 0, 0, 0)
        cut = r[y0:y1, x0:x1, ::-1] * 255  # BGR
        scale = max(float(np.percentile(np.abs(cut), 99.95)) if cut.size else 0.0, 1.0) / 127
        data.append(np.clip(np.round(cut / scale), -127, 127).astype(np.int8).ravel())
        boxes.append((x0, y0, x1, y1))
        scales.append(scale)
        start.append(start[-1] + data[-1].size)
    return {f"{name}_box": np.array(boxes, np.uint16), f"{name}_start": np.array(start, np.uint32),
            f"{name}_scale": np.array(scales, np.float32), name: np.concatenate(data)}


def landmarks(bake: Bake, m: mesh.Mesh) -> dict[str, Array]:
    """The landmarks that measure the mouth, as weights over the rig's vertices."""
    ids, weights = bake.model.Landmarks(bake.head, bake.head3d).mp468
    skin = np.zeros(len(m.vertex), bool)
    skin[m.triangles[m.part == SKIN]] = True
    row = {int(v): i for i, v in enumerate(m.vertex) if skin[i]}
    index = np.array([[row[int(v)] if w > 1e-9 else row[int(ids[k][0])] for v, w in zip(ids[k], weights[k], strict=True)]
                      for k in LANDMARKS])
    return {"landmark": np.array(LANDMARKS, np.uint16), "landmark_index": index.astype(np.uint16),
            "landmark_weight": np.array([weights[k] for k in LANDMARKS], np.float32)}


def gestures(folder: Path = GESTURES) -> dict[str, Any]:
    """The motion clips of a folder by name (its *.json). Raises ModelLoadError for a clip that no avatar could play."""
    clips = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    for name, clip in clips.items():
        Gesture.from_manifest(name, clip)
    return clips


def build(bake: Bake) -> tuple[Manifest, dict[str, Array]]:
    """Manifest and arrays of the avatar (format: docs/imx-format.md)."""
    size = layers.boxes(bake)
    places, height = layers.places(size)
    pictures = fit.frames(bake)
    turned = {f.head[0]: f for f in pictures if f.name.startswith("head_yaw")}
    if len(turned) < 2:
        raise SystemExit(f"{bake.name} has no calibration frames: make them first, see training/avatars/README.md.")
    bands = {name: outline.band(bake, side, turned[side * outline.SEEN_AT]) for name, side in layers.BANDS.items()}
    whole = cover.dressed(bake, mesh.build(bake, places, size, bands))
    m = mesh.keep(whole, mesh.visible_triangles(bake, whole))
    tx = atlas.texels(m, atlas.SKIN_ATLAS)
    skin, own = atlas.base(bake, m, tx)
    strip, colour = temples.uncovered(bake, m, tx, turned)
    skin[..., :3] = np.where(strip[..., None], colour, skin[..., :3])
    skin[..., 3] = np.maximum(skin[..., 3], ndimage.gaussian_filter(strip.astype(np.float32), 0.5))
    small = atlas.texels(m, RESIDUAL)
    half = lambda a: a.reshape(RESIDUAL, 2, RESIDUAL, 2, -1).mean((1, 3))  # noqa: E731
    residual = atlas.residuals(bake, m, small, half(skin[..., :3]), half(own)[..., 0])
    added = lambda c: np.tensordot([c.get(n, 0.0) for n in m.names], residual, 1)  # noqa: E731
    skin[..., :3], rows = fit.fit(bake, m, skin, added, pictures)
    residual = np.concatenate([residual, rows])
    skin[..., :3] = rims.calmed(skin[..., :3], atlas.behind_rims(bake, m, tx, own), tx.mask)
    m = mesh.keep(m, ~atlas.hidden(m, skin[..., 3]))
    m = decimate(m, landmarks(bake, m)["landmark_index"], COARSENESS)
    texture = np.zeros((height, atlas.SKIN_ATLAS, 4), np.float32)
    texture[: atlas.SKIN_ATLAS] = skin
    texture[atlas.SKIN_ATLAS:] = (0.5, 0.2, 0.18, 1.0)
    for name, (*_, picture) in bands.items():
        x, y = places[name]
        texture[y: y + picture.shape[0], x: x + picture.shape[1]] = picture
    for name in layers.MOUTH_PARTS:
        part, (x, y) = layers.mouth_part(bake, name), places[name]
        texture[y: y + part.shape[0], x: x + part.shape[1]] = part
    layers.socket(texture, m, places["mouth_socket"])
    x, y = places["lash"]
    rim = np.median(skin[skin[..., 3] > 0.9][:, :3], 0)
    towards_tip = np.clip((np.arange(16) - 2) / 12, 0, 1)[:, None, None]
    texture[y: y + 16, x: x + 8, :3] = LASHES + (rim - LASHES) * 0.75 * towards_tip**1.5
    texture[y: y + 16, x + 8: x + 16, :3] = LASHES + (rim - LASHES) * (0.65 + 0.25 * towards_tip)
    texture[y: y + 16, x + 16: x + 24, :3] = rim * (0.82, 0.74, 0.7)
    texture[y: y + 16, x: x + 24, 3] = 1.0
    arrays: dict[str, Array] = {}
    start, index, delta = sparse(m.deltas)
    arrays |= {"vertices": m.neutral.astype(np.float32), "uv": m.uv.astype(np.float32),
               "triangles": m.triangles.astype(np.uint16), "part": m.part,
               "weight": np.round(m.weight * 255).astype(np.uint8),
               "shape_start": start, "shape_index": index, "shape_delta": delta}
    arrays |= landmarks(bake, m) | residual_arrays(residual)
    covered = ndimage.binary_erosion(atlas.covered(bake, whole), iterations=2)
    g = backdrop.grid(bake, covered)
    arrays |= {"backdrop_vertices": g["points"].astype(np.float32), "backdrop_uv": g["uv"].astype(np.float32),
               "backdrop_triangles": g["triangles"].astype(np.uint16),
               "backdrop_weight": np.round(g["weight"] * 255).astype(np.uint8)}
    eyes = {}
    for side in ("left", "right"):
        colour, shade, light = layers.eye(bake, m, side, size[f"eye_{side}"])
        arrays[f"eye_{side}"] = encoded(np.dstack([colour, shade / 1.3]), None)
        arrays[f"catchlight_{side}"] = encoded(light, None)
        info = bake.meta["eyes"][side]
        box = size[f"eye_{side}"]
        eyes[side] = {"centre": [info["centre_px"][0] - box[0], info["centre_px"][1] - box[1]],
                      "radius": info["radius_px_on_canvas"] + bake.bulge[side], "place": list(places[f"eye_{side}"])}
    arrays["texture"] = encoded(texture, None)
    arrays["backdrop"] = encoded(backdrop.picture(bake, covered), None)
    plate = Image.open(bake.folder / "plate.png").convert("RGB").resize((CANVAS // 2, CANVAS // 2), Image.Resampling.BOX)
    arrays["plate"] = encoded(np.asarray(plate, np.float32) / 255, 97)
    z = np.load(bake.folder / "landmarks.npz")["mediapipe478"][0]
    rig = {"correctives": fit.drivers(), "distance": bake.distance, "pivot": bake.pivot.tolist(), "sample_canvas": CANVAS,
           "eyes": eyes,
           "pixel_filter": PIXEL_FILTER,
           "face_width": float(np.linalg.norm(z[454] - z[234])), "shade_scale": 1.3,
           "gaze_degrees": {"yaw": bake.model.GAZE_YAW, "up": bake.model.GAZE_UP, "down": bake.model.GAZE_DOWN}}
    images = tuple(sorted(n for n in arrays if n in ("texture", "backdrop", "plate") or n.startswith(("eye_", "catchlight_"))))
    manifest = Manifest(
        name=bake.name.capitalize(), canvas=(CANVAS // 2, CANVAS // 2), coefficients=tuple(bake.shapes), limits=LIMITS,
        gestures=gestures(), rig=rig, images=images,
        indices={"triangles": "vertices", "shape_index": "vertices", "landmark_index": "vertices",
                 "backdrop_triangles": "backdrop_vertices"},
        provenance={"sources": ["ICT-FaceKit Light (MIT)", "MakeHuman assets (CC0)"], "attribution": ATTRIBUTION,
                    "consent": "no real person is depicted", "builder": BUILDER, "character": bake.name},
    )
    return manifest, arrays


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bake", type=Path, required=True)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--head3d", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    bake = Bake(options.bake, options.tools, options.head3d)
    manifest, arrays = build(bake)
    write_imx(options.output, manifest, arrays)
    taken = mouth_cover.fitted(bake, read_rig(read_imx(options.output)), fit.frames(bake))
    if taken:
        write_imx(options.output, replace(manifest, rig=manifest.rig | {"mouth_cover": taken}), arrays)
    for name, array in sorted(arrays.items(), key=lambda kv: -kv[1].nbytes)[:8]:
        print(f"{name:20s}{array.nbytes / 1e3:9.0f} kB")
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB", flush=True)
    shared = options.tools.resolve().parents[1]  # it holds the truth frames and the tool that compares with them
    table = [sys.executable, "-m", "benchmarks.fidelity", str(options.output), "--shared", str(shared)]
    return subprocess.run(table, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
