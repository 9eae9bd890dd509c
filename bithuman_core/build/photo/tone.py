"""Photos of one hue: black and white, sepia. What the photo does not show and is made up, must have no hue of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.colour import LUMA

STEPS = 12  # of brightness in which the hue is told
OFF = 0.015  # how far colours of such a photo lie from its hue in the mean, of their brightness; in colour 0.03 and more
LEAST = 30  # px of a step of brightness
THIN = 8  # one px of so many tells a picture that is far from any one hue


@dataclass(frozen=True)
class Tone:
    """The colour that each brightness has: light [k] rising, colour [k, 3], RGB 0..1."""

    light: Array
    colour: Array

    def __call__(self, colours: Array) -> Array:
        """Colours [..., 3] in this hue, as bright as they are."""
        light = colours @ LUMA
        return np.stack([np.interp(light, self.light, self.colour[:, k]) for k in range(3)], -1).astype(np.float32)

    def change(self, added: Array, under: Array) -> Array:
        """What is added to colours under [..., 3] in their hue."""
        return ((added @ LUMA) / np.maximum(under @ LUMA, 0.02))[..., None] * under


def one_hue(picture: Array, face: Array) -> Tone | None:
    """The tone of a picture [H, W, 3] whose px face [H, W] show the person; None where it is in colour."""
    shown = picture[face]
    away, tone = _told(shown[::THIN])
    if away < 2 * OFF:
        away, tone = _told(shown)
    return tone if away < OFF else None


def _told(shown: Array) -> tuple[float, Tone]:
    """How far px [n, 3] lie from one hue, of their brightness (inf: they are too few), and that hue."""
    light = shown @ LUMA
    ends = np.linspace(0, 1, STEPS + 1)
    step = np.clip(np.digitize(light, ends) - 1, 0, STEPS - 1)
    lights, colours, off, count = [0.0], [np.zeros(3)], 0.0, 0
    for k in range(STEPS):
        part = shown[step == k]
        if len(part) < LEAST:
            continue
        middle = np.median(part, axis=0)
        lights.append(float(middle @ LUMA))
        colours.append(middle)
        hue = middle / max(lights[-1], 1e-3)
        off += float(np.abs(part - light[step == k, None] * hue).sum())
        count += part.size
    lights.append(1.0)
    colours.append(np.ones(3))
    away = off / count / max(float(light.mean()), 1e-9) if count else np.inf
    return away, Tone(np.array(lights), np.array(colours))
