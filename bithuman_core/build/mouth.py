"""The inside of the mouth in this face's colours."""

from __future__ import annotations

import numpy as np

from bithuman_core.build.template import Array, Template

PAINTED_FOR = np.array([0.78, 0.60, 0.51], np.float32)  # skin that the template's mouth was painted for
FOLLOWS = 0.55  # how far flesh follows the brightness and colour of the skin; teeth follow half as far
LIP_MARKS = (0, 17, 37, 267, 84, 314)
CHEEK_MARKS = (50, 280, 101, 330, 151, 9)


def _colour_at(template: Template, colour: Array, marks: tuple[int, ...]) -> Array:
    index, weight = template.rings["mediapipe"]
    uv = (template.uv[index[list(marks)]] * weight[list(marks)][..., None]).sum(1).astype(int)
    return np.median(np.array([colour[max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4].mean((0, 1)) for x, y in uv]), 0)


def strip(template: Template, colour: Array, lash: Array) -> Array:
    """The rows of the texture below the skin [h, ATLAS, 3], 0..1. colour: the painted skin; lash [3]: colour of
    lashes."""
    skin = _colour_at(template, colour, CHEEK_MARKS)
    ratio = np.clip(skin / PAINTED_FOR, 0.35, 1.25)
    strip = template.strip
    chroma = strip.max(2, keepdims=True) - strip.min(2, keepdims=True)
    flesh = np.clip((chroma - 0.12) / 0.15, 0, 1)
    follow = FOLLOWS * (0.5 + 0.5 * flesh)
    out = strip * (1 + (ratio - 1) * follow)
    x, y = template.lash_place[0], template.lash_place[1] - len(colour)
    out[y : y + 16, x : x + 8] = lash
    out[y : y + 16, x + 8 : x + 16] = 0.5 * skin
    out[y : y + 16, x + 16 : x + 24] = skin * (0.82, 0.74, 0.7)
    return out.astype(np.float32)
