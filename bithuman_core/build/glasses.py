"""Glasses: found by their frame, which breaks the even skin of the nose and below the eyes.

The frame stays where it is. Lids close behind it, painted in the colour of the skin about the eyes: the little that a photo
shows of them between eye and frame would smear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree

from bithuman_core.build.camera import project
from bithuman_core.build.fill import fill
from bithuman_core.build.observed import cheek_colour
from bithuman_core.build.skin import Texels, frame_sharp, sample
from bithuman_core.build.template import ATLAS, Array, Template

BRIDGE, BELOW = (9, 5), ((230, 50), (450, 280))  # MediaPipe numbers: lines along which bare skin is even
UNEVEN = (0.065, 0.05)  # deviation from a parabola, of the mean brightness: bare faces 0.015 to 0.045, a frame 0.11 and more
BROWS, WIDE = 0.5, 0.5  # what is left of the moves of brows and of widened eyes behind a frame
CLEAR = 0.4  # widths of the eye beside the frame where brows begin to move so far
LID_REACH, MARGIN = 0.2, 0.05  # widths of the eye about it that its lids still move, and that move with their edge
DARK, BRIGHT, PALE, GLARING = 0.55, 1.1, 0.15, 1.4  # brightness of frame and pale or any reflex, in units of the cheeks'
LEAST, HAIR = 0.2, 0.6  # widths of the eye: side of the smallest part of a frame; share within the brow of what is hair
LASHES, BLURRED = 0.07, 0.05  # widths of the eye: lashes about it, which are no frame; mixture of frame and skin about the frame
EDGE = (0.02, 0.05)  # widths of the eye beside its outline up to which a lid keeps the photo, and from which it is painted
UNMOVED, PAINTED = 0.05, 0.12  # of the way of a closing lid: skin that goes less gives its colour; what goes more is painted
LOWERED = 0.5  # of the paint that a lid shows as the eye looks down
BROW_OUTLINES = (((46, 53, 52, 65, 55), (70, 63, 105, 66, 107)), ((276, 283, 282, 295, 285), (300, 293, 334, 296, 336)))
"""MediaPipe numbers of their lower and upper edge."""


def worn(picture: Array, landmarks: Array) -> bool:
    """Whether the person in the picture [S, S, 3] wears glasses with a visible frame."""
    picture = frame_sharp(picture)

    def uneven(a: int, b: int) -> float:
        t = np.linspace(0, 1, 60)
        places = landmarks[a, :2] + (landmarks[b, :2] - landmarks[a, :2]) * t[:, None]
        light = sample(picture, places).mean(1)
        return float(np.std(light - np.polyval(np.polyfit(t, light, 2), t)) / max(float(light.mean()), 0.02))

    return uneven(*BRIDGE) > UNEVEN[0] and float(np.mean([uneven(a, b) for a, b in BELOW])) > UNEVEN[1]


@dataclass(frozen=True)
class Glasses:
    """The frame in a picture."""

    to_odd: Array
    """[S, S] canvas px to the nearest px that is no plain skin: frame, reflex, brow, shadow."""
    to_frame: Array
    """[S, S] the same to the frame."""
    to_still: Array
    """[S, S] the same to frame or reflex."""
    rims: dict[str, Array]
    """Outlines of the eyes by side [24, 2] canvas px."""
    eye: float
    """Width of an eye, canvas px."""


def seen(template: Template, points: Array, picture: Array, landmarks: Array) -> Glasses:
    """The frame in a picture [S, S, 3] whose mesh has the vertices points [V, 3]."""
    smooth, cheeks = frame_sharp(picture), cheek_colour(picture, landmarks)
    light = smooth.mean(2) / max(float(cheeks.mean()), 0.02)
    grey = smooth.min(2) / np.maximum(smooth.max(2), 0.02)
    usual = float(cheeks.min() / max(float(cheeks.max()), 0.02))
    rims = {side: project(template.at(f"eye_{side}", points))[:, :2] for side in ("left", "right")}
    size = float(np.mean([np.linalg.norm(rim[0] - rim[12]) for rim in rims.values()]))
    yy, xx = np.mgrid[0 : len(light), 0 : light.shape[1]] + 0.5
    places = np.stack([xx, yy], -1)
    reflex = (light > BRIGHT) & (grey > usual + PALE) | (light > GLARING)
    odd = (light < DARK) | reflex
    about = np.zeros_like(odd)
    for rim in rims.values():
        box = (np.abs(places - rim.mean(0)) < size * np.array([1.0, 0.8])).all(2)
        about |= box
        odd[box] &= ~_within(places[box], rim) & (KDTree(_dense(rim)).query(places[box])[0] > LASHES * size)
    parts, count = ndimage.label(odd & about & (light < DARK))
    brows = np.zeros_like(odd)
    for lower, upper in BROW_OUTLINES:
        outline = landmarks[[*lower, *upper[::-1]], :2]
        brows |= _within(places.reshape(-1, 2), outline).reshape(odd.shape)
    number = np.arange(1, count + 1)
    large = np.asarray(ndimage.sum_labels(odd, parts, number)) > (LEAST * size) ** 2
    hair = np.asarray(ndimage.mean(brows, parts, number)) > HAIR
    frame = np.isin(parts, number[large & ~hair])
    return Glasses(_distance(odd), _distance(frame), _distance(frame | reflex & odd), rims, size)


def _distance(mask: Array) -> Array:
    return np.asarray(ndimage.distance_transform_edt(~mask), np.float32) if mask.any() else np.full(mask.shape, 1e3, np.float32)


def behind(glasses: Glasses, template: Template, points: Array, deltas: Array) -> None:
    """Lessen what would move the frame with the skin: deltas [S, V, 3] of the vertices points [V, 3], in place."""
    places = project(points)[:, :2]
    to_still, to_frame = sample(glasses.to_still, places), sample(glasses.to_frame, places)
    held = {}
    for side, rim in glasses.rims.items():
        away = KDTree(_dense(rim)).query(places)[0]
        away = np.where(_within(places, rim), 0, np.maximum(away - MARGIN * glasses.eye, 0))
        held[side] = to_still / np.maximum(to_still + away, 1e-3) * np.exp(-((away / (LID_REACH * glasses.eye)) ** 2))
        held[side][away == 0] = 1.0
    brow = BROWS * _ramp(to_frame / glasses.eye, 0.0, CLEAR)
    for s, name in enumerate(template.names):
        if name.startswith("brow"):
            deltas[s] *= brow[:, None].astype(np.float32)
        elif name.startswith(("eyeBlink", "eyeLook", "eyeSquint", "eyeWide")):
            share = held["left" if name.endswith("Left") else "right"] * (WIDE if name.startswith("eyeWide") else 1.0)
            deltas[s] *= share[:, None].astype(np.float32)


def lids(glasses: Glasses, template: Template, tx: Texels, deltas: Array, spots: Array, colour: Array,
         plain: Array) -> dict[int, Array]:  # fmt: skip
    """What closing lids add to the colour of the skin [ATLAS / 2, ATLAS / 2, 3] (RGB, 0..1) by row of the shapes.

    deltas [S, V, 3]; spots [n, 2] canvas places of the texels, colour [ATLAS, ATLAS, 3] the painted skin; plain [n]: which texels
    the photo shows as even skin, 0..1.
    """
    out = {}
    away = np.min([KDTree(_dense(rim)).query(spots)[0] for rim in glasses.rims.values()], axis=0) / glasses.eye
    bare = plain * (sample(glasses.to_odd, spots) > BLURRED * glasses.eye) * (away > LASHES)
    for side in ("Left", "Right"):
        blink, down = (template.names.index(f"{shape}{side}") for shape in ("eyeBlink", "eyeLookDown"))
        way = np.abs((deltas[blink, :, 1][tx.corners] * tx.weights).sum(1))
        way /= max(float(way.max()), 1e-3)
        skin = fill(colour, tx.image(bare * (way < UNMOVED)))
        added = (skin - colour) * tx.image(_ramp(way, 0.0, PAINTED) * _ramp(away, *EDGE))[..., None]
        out[blink] = added.reshape(ATLAS // 2, 2, ATLAS // 2, 2, 3).mean((1, 3))
        out[down] = LOWERED * out[blink]
    return out


def _ramp(values: Array, low: float, high: float) -> Array:
    t = np.clip((values - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def _dense(ring: Array) -> Array:
    """Points [8 m, 2] along the polygon ring [m, 2]."""
    steps = np.linspace(0, 1, 8, endpoint=False)[:, None]
    return np.concatenate([a + (b - a) * steps for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True)])


def _within(points: Array, ring: Array) -> Array:
    """Which points [n, 2] lie inside the polygon ring [m, 2] (even-odd rule)."""
    inside = np.zeros(len(points), bool)
    for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        crosses = (a[1] > points[:, 1]) != (b[1] > points[:, 1])
        x = a[0] + (points[:, 1] - a[1]) / np.where(b[1] == a[1], 1e-9, b[1] - a[1]) * (b[0] - a[0])
        inside ^= crosses & (points[:, 0] < x)
    return inside
