"""What expressions do to the light on the skin: creases of a smile, shadow under a lowered brow, in this face's colours.

A photo shows one expression. The changes are averages over our path-traced characters (``training/avatars/light_library.py``),
relative to the skin's own brightness, on the texture layout that all avatars share.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.build.shape.template import ATLAS

FILE = Path(__file__).with_name("light.npz")
SIDE = ATLAS // 4
TINT = np.array([1.12, 1.04, 0.86], np.float32)  # of the change for blue, green, red: shadows on skin are warm
LEAST = 0.5  # levels of 255: less is not kept
STRENGTH = 0.9  # of the average change: creases of single faces lie beside each other


def residual(names: list[str], colour: Array, expression: dict[str, float], warm: bool = True) -> dict[str, Array]:
    """The arrays ``residual*`` of an avatar (``docs/imx-format.md``) for the shapes names.

    colour [ATLAS, ATLAS, 3]: the painted skin, RGB 0..1. expression: what the photo already shows, 0..1 by name; it is left out.
    warm: whether shadows have a hue of their own.
    """
    with np.load(FILE, allow_pickle=False) as file:
        known = {str(n): k for k, n in enumerate(file["names"])}
        first, box, scale, values = file["start"], file["box"].astype(int), file["scale"], file["values"]
    base = colour.reshape(SIDE, 4, SIDE, 4, 3).mean((1, 3))[..., ::-1] * 255
    start, boxes, scales, parts = [0], [], [], []
    for name in names:
        row = known.get(name)
        x0, y0, x1, y1 = box[row] if row is not None else (0, 0, 0, 0)
        step = 1.0
        if row is not None and x1 > x0:
            change = values[first[row] : first[row + 1]].reshape(y1 - y0, x1 - x0, 1) * (TINT if warm else 1)
            added = change * (scale[row] * STRENGTH * (1 - expression.get(name, 0.0))) * base[y0:y1, x0:x1]
            step = max(float(np.abs(added).max()), 1e-3) / 127
            parts.append(np.round(added / step).astype(np.int8).ravel())
            start.append(start[-1] + len(parts[-1]))
        else:
            start.append(start[-1])
        boxes.append((x0, y0, x1, y1))
        scales.append(step)
    return {"residual": np.concatenate(parts) if parts else np.zeros(0, np.int8), "residual_box": np.array(boxes, np.uint16),
            "residual_start": np.array(start, np.uint32), "residual_scale": np.array(scales, np.float32)}  # fmt: skip


def detail(shapes: int, added: dict[int, Array]) -> dict[str, Array]:
    """The arrays ``detail*`` of an avatar with so many shapes.

    added: what a shape adds to the colour of the skin at coefficient 1 [ATLAS / 2, ATLAS / 2, 3] (RGB, 0..1), by its row.
    """
    boxes, starts, scales, parts = np.zeros((shapes, 4), np.uint16), [0], np.ones(shapes, np.float32), []
    for row in range(shapes):
        levels = added[row][..., ::-1] * 255 if row in added else np.zeros((0, 0, 3))
        y, x = np.nonzero(np.abs(levels).max(2, initial=0) > LEAST)
        if len(x):
            x0, y0, x1, y1 = boxes[row] = x.min(), y.min(), x.max() + 1, y.max() + 1
            scales[row] = float(np.abs(levels).max()) / 127
            parts.append(np.round(levels[y0:y1, x0:x1] / scales[row]).astype(np.int8).ravel())
        starts.append(starts[-1] + (len(parts[-1]) if len(x) else 0))
    return {"detail": np.concatenate(parts) if parts else np.zeros(0, np.int8), "detail_box": boxes,
            "detail_start": np.array(starts, np.uint32), "detail_scale": scales}  # fmt: skip
