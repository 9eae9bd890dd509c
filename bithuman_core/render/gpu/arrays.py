"""What of a portrait is uploaded once, as the shaders read it."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.render.correctives import Correctives
from bithuman_core.render.eyes import ABOVE, BELOW, CHANNELS, packed_words
from bithuman_core.render.gpu import numbers
from bithuman_core.render.mouth import tint_table
from bithuman_core.render.pixel_filter import STEPS
from bithuman_core.render.rig import Eye, PortraitRig, Residual, Shapes, Still
from bithuman_core.render.texel import MOUTH, UV_STEPS

TURN = 0xFFFFFFFF  # of a driver: it is an angle of the head
LIPS = (13, 14, 61, 291)  # MediaPipe's: upper, lower, image left, image right


def arrays(rig: PortraitRig) -> dict[str, NDArray[Any]]:
    """Every array of the shaders by its name there, but for those of a scene."""
    first, shape, delta = by_vertex(rig.shapes, len(rig.vertices))
    back = rig.backdrop_triangles.astype(np.uint32) + np.uint32(len(rig.vertices))
    lips = [rig.landmark[n] for n in LIPS]
    shaded = [packed_words(eye.picture) | (eye.picture[..., 3].astype(np.uint32) << np.uint32(24)) for eye in rig.eyes]
    return {
        "neutral": rig.vertices,
        "weight": rig.weight.astype(np.uint32),
        "first": first,
        "shape": shape,
        "delta": delta,
        "back_neutral": rig.backdrop_vertices,
        "back_weight": rig.backdrop_weight.astype(np.uint32),
        "place": np.concatenate([rig.uv, rig.backdrop_uv]) * UV_STEPS,
        "corners": np.concatenate([rig.triangles.astype(np.uint32), back]),
        "part": rig.part.astype(np.uint32),
        "lip_index": rig.landmark_index[lips].astype(np.uint32),
        "lip_weight": rig.landmark_weight[lips],
        "inside": mouth_vertices(rig),
        "rows": np.concatenate([residual_rows(rig.smooth, 0), residual_rows(rig.detail, len(rig.smooth.values) // 4)]),
        "values": np.concatenate([rig.smooth.values, rig.detail.values]).view(np.uint32),
        "skin": rig.texture[: rig.texture.shape[1]],
        "tint": tint_table(rig.mouth_ambient, rig.mouth_warmth).astype(np.uint32),
        "eyes": eye_rows(rig),
        "gazes": gaze_rows(rig),
        "drivers": driver_rows(rig.correctives),
        "pictures": np.concatenate([words.ravel() for words in shaded]),
        "lights": np.concatenate([packed_words(eye.catchlight).ravel() for eye in rig.eyes]),
    }


def facts(rig: PortraitRig, backdrop: NDArray[np.uint32], still: Still, transparent: bool) -> NDArray[np.uint8]:
    """The struct of ``rig.wgsl``."""
    whole = (*rig.size, len(rig.vertices), len(rig.backdrop_vertices), *rig.texture.shape[::-1], *backdrop.shape[::-1],
             rig.residual_side, len(rig.smooth.scale), numbers.count(rig), len(mouth_vertices(rig)))  # fmt: skip
    broken = *rig.pivot, rig.distance, *rig.centre, rig.scale, rig.face_width, rig.mouth_cover, *rig.gaze, rig.shade_scale
    more = still.top, len(still.picture), round(rig.pixel_filter * STEPS), transparent
    return np.frombuffer(struct.pack(f"<{len(whole)}I2i2I{len(broken)}f", *whole, *more, *broken), np.uint8)


def mouth_vertices(rig: PortraitRig) -> NDArray[np.uint32]:
    """Those that have a light of their own."""
    return np.unique(rig.triangles[rig.part == MOUTH]).astype(np.uint32)


def by_vertex(shapes: Shapes, count: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.float32]]:
    """Shapes turned about: (first [V + 1], shape [N], delta [N, 3]), the deltas of each vertex one after the other."""
    shape = np.repeat(np.arange(len(shapes.start) - 1), np.diff(shapes.start)).astype(np.uint32)
    order = np.argsort(shapes.index, kind="stable")  # within a vertex in the order of the shapes
    first = np.concatenate([[0], np.cumsum(np.bincount(shapes.index, minlength=count))]).astype(np.uint32)
    return first, shape[order], np.ascontiguousarray(shapes.delta[order])


def residual_rows(part: Residual, first: int) -> NDArray[np.uint32]:
    """The struct ``Row`` of ``residual.wgsl`` for each row: box, where its px begin, what a value is worth.

    first: px of those that lie before them.
    """
    rows = np.zeros((len(part.scale), 6), np.uint32)
    rows[:, :4], rows[:, 4] = part.box, first + part.start[:-1] // 4
    rows[:, 5] = numbers.steps(part.scale, part.start).view(np.uint32)
    return rows


def bared(eye: Eye) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of what lids can bare, px of the eye's picture."""
    (x, y), radius, (tall, wide) = eye.centre, np.float32(eye.radius), eye.picture.shape[:2]
    x0, y0 = max(int(x - radius), 0), max(int(y - ABOVE * radius), 0)
    return x0, y0, min(int(x + radius), wide), min(int(y + BELOW * radius), tall)


def eye_size(rig: PortraitRig) -> tuple[int, int]:
    """Width and height of the larger of what lids can bare, px."""
    boxes = [bared(eye) for eye in rig.eyes]
    return max(max(x1 - x0, 1) for x0, _, x1, _ in boxes), max(max(y1 - y0, 1) for _, y0, _, y1 in boxes)


def eye_rows(rig: PortraitRig) -> NDArray[np.uint32]:
    """The struct ``Eye`` of ``eyes.wgsl`` for both."""
    rows, start = np.zeros((2, 12), np.uint32), 0
    for row, eye in zip(rows, rig.eyes, strict=True):
        tall, wide = eye.picture.shape[:2]
        row[:9] = wide, tall, *eye.place, *bared(eye), start
        row[9:] = np.array([*eye.centre, eye.radius], np.float32).view(np.uint32)
        start += tall * wide
    return rows


def gaze_rows(rig: PortraitRig) -> NDArray[np.uint32]:
    """The struct ``Gaze`` of ``state.wgsl`` for both."""
    rows = np.zeros((2, 8), np.uint32)
    for row, eye, channels, outwards in zip(rows, rig.eyes, CHANNELS, (1.0, -1.0), strict=True):
        row[:6] = channels
        row[6:] = np.array([outwards, eye.radius], np.float32).view(np.uint32)
    return rows


def driver_rows(correctives: Correctives) -> NDArray[np.uint32]:
    """The struct ``Driver`` of ``state.wgsl`` for each corrective."""
    products, turns = len(correctives.products), len(correctives.axis)
    rows = np.zeros((products + turns, 3), np.uint32)
    rows[:products, :2] = correctives.products
    rows[products:, 0], rows[products:, 1] = correctives.axis, TURN
    rows[products:, 2] = correctives.full.astype(np.float32).view(np.uint32)
    return rows
