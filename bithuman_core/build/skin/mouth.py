"""The inside of the mouth in this face's colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.build.shape.template import Template

PAINTED_FOR = np.array([0.78, 0.60, 0.51], np.float32)  # skin that the template's mouth was painted for
FOLLOWS = 0.55  # how far flesh follows the brightness and colour of the skin; teeth follow half as far
LIT = 0.3  # how far teeth take the hue of the light that the skin is in, beyond that
DARK_SKIN = 0.35  # of the same: dark skin makes a mouth no darker
DIM, DIMMED = 0.2, 2.0  # skin darker than that is in low light, and so is the mouth: by this power of what is left of it
EDGE, PALE, LIGHT, LEAST = 4, 0.6, 0.3, 60  # px beside the lips left out; least greyness, brightness and number of px of teeth
TEETH = (0.85, 1.2)  # how far their colour may be from the template's: a soft photo mixes them with the dark about them
AMBIENT = 0.1  # light in the depth of the mouth: a photo lights faces from the front, path-traced ones are darker inside
OWN_AMBIENT = (0.06, 0.2)  # the same by the dark of the mouth in other pictures of the person
WALLS = 0.5  # brightness of its walls in units of the skin's
TONGUE = (slice(138, 260), slice(240, 404))  # where it is in the strip
FRONT_TEETH = (slice(0, 138), slice(55, 197))  # the upper ones there
LIGHTER = 1.3  # than in the template: a photo lights it from the front
CHEEK_MARKS = (50, 280, 101, 330, 151, 9)


def _colour_at(template: Template, colour: Array, marks: tuple[int, ...]) -> Array:
    index, weight = template.rings["mediapipe"]
    uv = (template.uv[index[list(marks)]] * weight[list(marks)][..., None]).sum(1).astype(int)
    return np.median(np.array([colour[max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4].mean((0, 1)) for x, y in uv]), 0)


def ambient(dark: Array | None) -> float:
    """Light in the depth of the mouth, 0..1. dark: colour [3] of an open mouth in units of the cheeks', where seen."""
    return AMBIENT if dark is None else float(np.clip(dark.mean() / WALLS, *OWN_AMBIENT))


@dataclass(frozen=True)
class Pale:
    """The colour [3] of teeth, and how many px show them."""

    colour: Array
    count: int


def inside_lips(picture: Array, inner_lips: Array) -> Array:
    """The colours [m, 3] of a picture [h, w, 3] inside the outline of the inner lips [n, 2] px, without its edge."""
    mask = Image.new("L", (picture.shape[1], picture.shape[0]))
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in inner_lips], fill=1)
    return picture[ndimage.binary_erosion(np.asarray(mask, bool), iterations=EDGE)]


def palest(inside: Array) -> Pale | None:
    """The teeth among the colours [m, 3] between the lips (face `FACE_WIDTH` of the canvas wide); None where there are none."""
    if not len(inside):
        return None
    grey = inside.min(1) / np.maximum(inside.max(1), 1e-3)
    pale = inside[(grey > PALE) & (inside.mean(1) > LIGHT)]
    return Pale(np.quantile(pale, 0.7, axis=0), len(pale)) if len(pale) > LEAST else None


def _flat(strip: Array) -> Array:
    """The strip [h, w, 3] in two colours: one for upper front teeth, the only ones that are drawn, one for all flesh."""
    tooth = np.zeros(strip.shape[:2], bool)
    front = strip[FRONT_TEETH]
    tooth[FRONT_TEETH] = (front.min(2) / np.maximum(front.max(2), 1e-3) > PALE) & (front.mean(2) > LIGHT)
    share = ndimage.gaussian_filter(tooth.astype(np.float32), 1.0)[..., None]
    pale, flesh = np.median(strip[tooth], axis=0), np.median(strip[TONGUE], axis=(0, 1))
    return (flesh + share * (pale - flesh)).astype(np.float32)


def strip(template: Template, colour: Array, lash: Array, teeth: Array | None = None, flat: bool = False) -> Array:
    """The rows of the texture below the skin [h, ATLAS, 3], 0..1. colour: the painted skin; lash [3]: colour of
    lashes; teeth [3]: of the photo's teeth in its light, where it shows any; flat: without detail, as
    drawn mouths are."""
    skin = _colour_at(template, colour, CHEEK_MARKS)
    least = DARK_SKIN * min(1.0, float(skin.mean()) / DIM)
    ratio = np.clip(skin / PAINTED_FOR, least, 1.25)
    strip = template.strip.copy()
    strip[TONGUE] = np.minimum(strip[TONGUE] * LIGHTER, 1)
    if flat:
        strip = _flat(strip)
    chroma = strip.max(2, keepdims=True) - strip.min(2, keepdims=True)
    flesh = np.clip((chroma - 0.12) / 0.15, 0, 1)
    follow = FOLLOWS * (0.5 + 0.5 * flesh)
    hue = (ratio / ratio.mean()) ** (LIT * (1 - flesh))
    out = strip * (1 + (ratio - 1) * follow) * hue * min(1.0, (float(skin.mean()) / DIM) ** DIMMED)
    if teeth is not None:
        enamel = (flesh[..., 0] < 0.3) & (strip.mean(2) > 0.55)
        own = np.clip(teeth / np.median(out[enamel], axis=0), *TEETH)
        out *= 1 + (own - 1) * (1 - flesh)
    x, y = template.lash_place[0], template.lash_place[1] - len(colour)
    out[y : y + 16, x : x + 8] = lash
    out[y : y + 16, x + 8 : x + 16] = WALLS * skin
    out[y : y + 16, x + 16 : x + 24] = skin * (0.82, 0.74, 0.7)
    return out.astype(np.float32)
