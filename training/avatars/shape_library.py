"""Make ``bithuman_core/build/shape/template.npz``: the average head, how people differ from it, and what every coefficient moves.
And ``gestures.json`` beside it: the motion clips that every avatar gets.

    python -m training.avatars.shape_library --bake ../shared/data/bake/mara --tools ../shared/tools/bake_avatar \
        --head3d ../shared/data/head3d

The average face and the ways in which faces differ are those of the ICT-FaceKit "Light" model (MIT), at the drawn (subdivided)
positions, cut to the triangles that some pose can show; pictures of teeth, gums and tongue are our own renders. Portraits are
fitted to it (``bithuman_core/build/shape/fit.py``) through MediaPipe's 478 points, whose places on the mesh the file holds.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.files import replacing
from training.avatars import layers, mesh
from training.avatars.bake_to_imx import encoded, gestures
from training.avatars.decimate import decimate
from training.avatars.mesh import SKIN_ATLAS
from training.avatars.source import Bake
from training.avatars.surface import EYE, LASH, assemble, limit_stencil, shape_positions

OUTPUT = Path(__file__).resolve().parents[2] / "bithuman_core" / "build" / "shape" / "template.npz"
CLIPS = OUTPUT.with_name("gestures.json")
MODES = 40  # ways in which faces differ; the statistical model is ordered by their share
PROXY = 4  # part of triangles that are never drawn: the skull and neck, which tell how deep hair lies
LEAST_MOVE = 0.12  # px
MOST = 0.6  # px of error that leaving out a vertex may cost


def quantised(values: Array) -> tuple[Array, Array]:
    """Rows [n, ...] as int8 and their scale [n]."""
    scale = np.maximum(np.abs(values).reshape(len(values), -1).max(1), 1e-9) / 127
    return np.round(values / scale.reshape(-1, *[1] * (values.ndim - 1))).astype(np.int8), scale.astype(np.float32)


def mouth_strip(bake: Bake, m: mesh.Mesh, places: dict[str, tuple[int, int]], height: int) -> Array:
    """The rows of the atlas below the skin: teeth, gums, tongue, walls of the mouth."""
    texture = np.zeros((height, SKIN_ATLAS, 4), np.float32)
    texture[SKIN_ATLAS:] = (0.5, 0.2, 0.18, 1.0)
    for name in layers.MOUTH_PARTS:
        part, (x, y) = layers.mouth_part(bake, name), places[name]
        texture[y: y + part.shape[0], x: x + part.shape[1]] = part
    layers.socket(texture, m, places["mouth_socket"])
    return texture[SKIN_ATLAS:, :, :3]


def build(bake: Bake) -> dict[str, Array]:
    """All arrays of the file (documented in ``bithuman_core/build/shape/template.py``)."""
    size = layers.boxes(bake)
    places, _ = layers.places(size)
    height = max(places[f"eye_{k}"][1] + size[f"eye_{k}"][3] - size[f"eye_{k}"][1] + layers.MARGIN for k in ("left", "right"))
    height = -(-height // 16) * 16
    whole = mesh.build(bake, places, size, {})
    strands = (whole.vertex[whole.triangles] < 0).all(1) & (whole.part == LASH)
    average = bake.model.HeadModel(bake.head3d, (), {})
    marks = bake.model.Landmarks(bake.head, bake.head3d)
    ids, weights = marks.mp468
    needed = np.isin(whole.vertex, np.unique(np.concatenate([ids.ravel(), *[r[0].ravel() for r in marks.rings.values()]])))
    wanted = (mesh.visible_triangles(bake, whole) | needed[whole.triangles].any(1)) & ~strands
    m = mesh.keep(whole, wanted)
    m = decimate(m, np.flatnonzero(np.isin(m.vertex, whole.vertex[needed])), MOST)
    strip = mouth_strip(bake, m, places, height)

    bake.head = average
    skull = assemble(bake, np.arange(bake.model.POLY_FACE_END, bake.model.POLY_HEAD_END))
    stencil = limit_stencil(bake, range(0, bake.model.POLY["skin"][1])) @ limit_stencil(
        bake, range(bake.model.POLY["gums"][0], bake.model.POLY["teeth"][1]))
    neutral, deltas = shape_positions(bake, stencil)
    scale = bake.camera.px * np.array([1, -1, -1])
    with np.load(bake.head3d / "ict" / "ict_facekit_light.npz") as file:
        modes = np.stack([(stencil @ mode.astype(np.float64)) * scale for mode in file["identity_modes_f16"][:MODES]])
    n, s = len(m.vertex), len(skull.vertex)
    vertex = np.concatenate([m.vertex, skull.vertex])
    points = neutral[np.maximum(vertex, 0)]
    moves = deltas[:, np.maximum(vertex, 0)]
    ways = modes[:, np.maximum(vertex, 0)]
    eye_vertices = np.unique(m.triangles[m.part == EYE])
    middle = bake.ortho(np.stack([average.eye_centre(side) for side in "LR"]))
    radius = bake.model.EYE_RADIUS * bake.camera.px
    for k, side in enumerate(("left", "right")):
        mine = eye_vertices[(m.neutral[eye_vertices, 0] > 0) == (side == "left")]
        a, b = bake.model.VERT_EYE["LR"[k]]
        info = bake.meta["eyes"][side]
        old = np.array([*((np.array(info["centre_px"]) - 512) * (bake.distance + info["z_px"]) / bake.distance),
                        info["z_px"] - bake.bulge[side]])
        points[mine] = middle[k] + (m.neutral[mine] - old) * (radius / info["radius_px_ortho"])
        ways[:, mine] = modes[:, a:b].mean(1)[:, None]
        moves[:, mine] = 0
    start, index, delta = [0], [], []
    for d in moves:
        moved = np.flatnonzero(np.abs(d).max(1) > LEAST_MOVE)
        index.append(moved)
        delta.append(d[moved])
        start.append(start[-1] + len(moved))
    row = {int(v): k for k, v in reversed(list(enumerate(vertex))) if v >= 0}
    rows = lambda a: np.vectorize(row.__getitem__)(a).astype(np.uint16)  # noqa: E731
    mode_values, mode_scale = quantised(ways.astype(np.float32))
    out = {
        "points": points.astype(np.float32), "modes": mode_values, "mode_scale": mode_scale,
        "triangles": np.concatenate([m.triangles, skull.triangles + n]).astype(np.uint16),
        "part": np.concatenate([m.part, np.full(len(skull.triangles), PROXY)]).astype(np.uint8),
        "uv": np.concatenate([m.uv, np.zeros((s, 2))]).astype(np.float32),
        "shape_names": np.array(bake.shapes), "shape_start": np.array(start, np.uint32),
        "shape_index": np.concatenate(index).astype(np.uint16), "shape_delta": np.concatenate(delta).astype(np.float16),
        "landmark_index": rows(ids), "landmark_weight": weights.astype(np.float32),
        "eye_centre": middle.astype(np.float32), "eye_radius": np.float32(radius),
        "eye_modes": np.stack([modes[:, slice(*bake.model.VERT_EYE[k])].mean(1) for k in "LR"]).astype(np.float32),
        "strip": encoded(strip, 92),
    }
    for name, (i, w) in marks.rings.items():
        out[f"{name}_index"], out[f"{name}_weight"] = rows(i), w.astype(np.float32)
    for side in ("left", "right"):
        out[f"eye_{side}_box"] = np.array(size[f"eye_{side}"], np.int32)
        out[f"eye_{side}_place"] = np.array(places[f"eye_{side}"], np.int32)
    out["lash_place"] = np.array(places["lash"], np.int32)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--bake", "--tools", "--head3d"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    arrays = build(Bake(options.bake, options.tools, options.head3d))
    with replacing(options.output) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    with replacing(CLIPS) as temporary:
        temporary.write_text(json.dumps(gestures(), sort_keys=True), encoding="utf-8")
    for name, array in sorted(arrays.items(), key=lambda kv: -kv[1].nbytes)[:6]:
        print(f"{name:16s}{array.shape!s:20s}{array.nbytes / 1e3:8.0f} kB")
    print(f"{options.output.name}: {options.output.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
