"""The arrays of a footage avatar (``docs/imx-format.md``, kind footage)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

from bithuman_core.build.arrays import Array
from bithuman_core.build.assemble import encoded
from bithuman_core.build.footage.person.mesh import FaceMesh
from bithuman_core.build.footage.person.person import Person
from bithuman_core.build.footage.walk import Walkable
from bithuman_core.build.shape.fit import OVAL
from bithuman_core.build.shape.template import Template
from bithuman_core.render.footage.interior import Interiors
from bithuman_core.render.smoothstep import smoothstep

LOWER = ("jaw", "mouth", "cheekPuff")
UPPER = ("brow", "eyeSquint", "cheekSquint", "noseSneer")
SPOKEN = (0.0, 62.0)  # template px below the lower lids, from where to where the cheeks go with the mouth
UPPER_SHARE = 0.6  # of what brows and cheeks do on a head: the skin of a frame can be warped that far and stay skin
EDGE = 0.08  # face widths inside the oval over which moves of brows and cheeks fade
ROUNDER = 0.6  # of the lower lip of an open jaw: template's is a parabola, which on lips that bow up at rest becomes a V
CHIN = 0.35  # of the distance from the mouth to the chin, over which that fades
LEAST_MOVE = 0.05  # template px: smaller deltas are dropped
MOST_WAYS, LEAST_ERROR = 32, 0.05  # of the basis; canvas px rms that it may leave
LANDMARKS = (13, 14, 61, 291, 33, 133, 362, 263)


def rest_arrays(rest: Array, vertices: Array, scale: float) -> dict[str, Array]:
    """The calm faces f32 [n, V, 3] as vertices [V, 3] plus a few ways to differ. scale: canvas px to one of head space."""
    flat = (rest - vertices.astype(np.float32)).reshape(len(rest), -1)
    square, way = np.linalg.eigh((flat @ flat.T).astype(np.float64))  # a singular value decomposition takes ten times the memory
    square, way = np.maximum(square[::-1], 1e-12), way[:, ::-1]
    left = np.sqrt(np.maximum(square.sum() - np.cumsum(square), 0) / (flat.size / 3)) * scale
    count = int(np.argmax(left < LEAST_ERROR)) + 1 if (left < LEAST_ERROR).any() else len(square)
    count = min(count, MOST_WAYS)
    amount = way[:, :count] * np.sqrt(square[:count])
    basis = ((amount / square[:count]).T.astype(np.float32) @ flat).reshape(count, -1, 3)
    unit = np.maximum(np.abs(basis).max((1, 2), keepdims=True), 1e-9)
    return {"rest_basis": (basis / unit).astype(np.float16), "rest_amount": (amount * unit[:, 0, 0]).astype(np.float32)}


def pose_array(person: Person) -> Array:
    """f32 [n, 6]: rotation vector, size, shift."""
    turn = Rotation.from_matrix([p.turn for p in person.poses]).as_rotvec()
    return np.concatenate([turn, [[p.scale, *p.shift] for p in person.poses]], 1).astype(np.float32)


def shape_arrays(template: Template, mesh: FaceMesh) -> tuple[tuple[str, ...], dict[str, Array]]:
    """(Names of the shapes that footage can show, their rows)."""
    names = tuple(n for n in template.names if n.startswith(LOWER + UPPER))
    points = template.points[mesh.used]
    marks = template.at("mediapipe", template.points)
    width = float(np.linalg.norm(marks[454] - marks[234]))
    outline = np.concatenate([np.linspace(a, b, 8, endpoint=False) for a, b in _edges(marks[list(OVAL), :2])])
    inside = smoothstep(cdist(points[:, :2], outline).min(1) / (EDGE * width)) * UPPER_SHARE
    spoken = smoothstep(points[:, 1], *SPOKEN)
    starts, rows, deltas = [0], [], []
    for name in names:
        move = template.deltas[template.names.index(name)][mesh.used]
        if name == "jawOpen":
            move = move + _rounder(template, move, points)
        move = move * (spoken if name.startswith(LOWER) else inside)[:, None]
        moving = np.flatnonzero(np.linalg.norm(move, axis=1) > LEAST_MOVE)
        rows.append(moving)
        deltas.append(move[moving])
        starts.append(starts[-1] + len(moving))
    return names, {
        "shape_start": np.array(starts, np.uint32),
        "shape_index": np.concatenate(rows).astype(np.uint16),
        "shape_delta": np.concatenate(deltas).astype(np.float16),
    }


def _rounder(template: Template, move: Array, points: Array) -> Array:
    """What makes the lower lip round where the jaw opens: [V, 3] to be added to its move [V, 3] at points [V, 3]."""
    inner = template.at("lips_inner", template.points)
    corner, middle = np.abs(inner[[0, 20], 0]).mean(), inner[30]
    falls = template.at("lips_inner", template.deltas[template.names.index("jawOpen")])[:, 1]
    share = np.clip(1 - (points[:, 0] / corner) ** 2, 0, 1)  # of the way from a corner to the middle, as a parabola goes
    marks = template.at("mediapipe", template.points)
    below = (points[:, 1] - middle[1]) / (marks[152, 1] - middle[1])
    lower = smoothstep(move[:, 1] / falls[30], 0.35, 0.6) * (1 - smoothstep(below, CHIN, 1.0))
    out = np.zeros_like(move)
    out[:, 1] = ROUNDER * (falls[30] - falls[[0, 20]].mean()) * share * (1 - share) * lower
    return out


def _edges(polygon: Array) -> list[tuple[Array, Array]]:
    return list(zip(polygon, np.roll(polygon, -1, 0), strict=True))


def mesh_arrays(template: Template, mesh: FaceMesh, vertices: Array) -> dict[str, Array]:
    """The mesh at rest and everything that hangs on it."""
    new = np.full(len(template.points), -1)
    new[mesh.used] = np.arange(len(mesh.used))
    index, weight = mesh.marks
    near = np.flatnonzero(mesh.share.sum(1) > 1e-3)
    arrays: dict[str, Any] = {
        "vertices": vertices.astype(np.float32),
        "triangles": mesh.triangles.astype(np.uint16),
        "light": np.round(255 * mesh.shade).astype(np.uint8),
        "landmark": np.array(LANDMARKS, np.uint16),
        "landmark_index": new[index[list(LANDMARKS)]].astype(np.uint16),
        "landmark_weight": weight[list(LANDMARKS)].astype(np.float32),
        "near": near.astype(np.uint16),
        "near_share": mesh.share[near].astype(np.float16),
        "beyond": mesh.beyond.astype(np.uint16),
        "beyond_share": mesh.beyond_share.astype(np.float16),
    }
    for name, ring in (("inner", mesh.inner), ("outer", mesh.outer), ("jaw", mesh.jaw)):
        arrays[f"{name}_index"], arrays[f"{name}_weight"] = ring[0].astype(np.uint16), ring[1].astype(np.float32)
    return arrays


def interior_arrays(interiors: Interiors) -> dict[str, Array]:
    """Pictures (RGB) below each other, and how open and wide each mouth is."""
    picture = interiors.patches.reshape(-1, *interiors.patches.shape[2:]) / 255
    return {
        "interiors": encoded(picture, 95),
        "interior_gap": interiors.gap.astype(np.float32),
        "interior_feature": interiors.features.astype(np.float32),
    }


def walk_arrays(walk: Walkable) -> dict[str, Array]:
    """See `render.footage.rig.WalkData`."""
    return {"walk_turning": walk.turning, "walk_jumps": walk.jumps, "walk_eyes": walk.eyes, "walk_motion": walk.motion}
