"""Glasses: found by their frame, which breaks the even skin of the nose and below the eyes.

The frame stays where it is, and lids close behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.observed import cheek_colour
from bithuman_core.build.shape.camera import project
from bithuman_core.build.shape.distance import distance_to
from bithuman_core.build.shape.outline import to_outline, within
from bithuman_core.build.shape.template import Template
from bithuman_core.build.skin.skin import sample
from bithuman_core.render.smoothstep import smoothstep

BRIDGE, BELOW = (9, 5), ((230, 50), (450, 280))  # MediaPipe numbers: lines along which bare skin is even
LINE = 0.2  # darkness or brightness of a frame across them, of the skin's: bare faces 0.02 to 0.1, frames 0.3 and more
BROWS, WIDE = 0.5, 0.5  # what is left of the moves of brows and of widened eyes behind a frame
CLEAR = 0.4  # widths of the eye beside the frame where skin begins to move so far
FAR = 1.0  # widths of the eye from which nothing has to do with its lids
LID_REACH, MARGIN = 0.2, 0.05  # widths of the eye about it that its lids still move, and that move with their edge
THICKEST = 0.4  # widths of the eye: of a frame, of a reflex
DARKER, BRIGHTER = 0.22, 0.15  # than the skin beside it: a frame, a reflex; of the cheeks' brightness
BRIGHT, PALE = 1.1, 0.1  # brightness of a reflex in the same units; how much less coloured it is
LONGEST, HAIR = 1.3, 0.6  # widths of the eye: that only frames and brows reach; share within the brow of what is brow
ABOVE, BELOW_EYES, LASHES = 1.1, 1.4, 0.1  # widths of the eye about it: where frames are; lashes and creases, which are none
BLURRED = 0.05  # widths of the eye: about the frame that it is mixed with skin
SPECK = 0.15  # widths of the eye: reflexes smaller than the square of that are none
LENS = 0.15  # of 0..1: how much the colour of a dark lens varies
TEMPLES = (127, 356)
BROW_OUTLINES = (((46, 53, 52, 65, 55), (70, 63, 105, 66, 107)), ((276, 283, 282, 295, 285), (300, 293, 334, 296, 336)))
"""MediaPipe numbers of their lower and upper edge."""


def worn(picture: Array, landmarks: Array) -> bool:
    """Whether the person in the picture [S, S, 3] wears glasses with a visible frame; picture: as `skin.frame_sharp` gives it."""

    def crossed(a: int, b: int) -> float:
        places = landmarks[a, :2] + (landmarks[b, :2] - landmarks[a, :2]) * np.linspace(0, 1, 60)[:, None]
        light = sample(picture, places).mean(1)
        away = light - np.polyval(np.polyfit(np.arange(60), light, 2), np.arange(60))
        return float(np.abs(away - ndimage.median_filter(away, 25)).max() / max(float(light.mean()), 0.02))

    return min(crossed(*BRIDGE), float(np.mean([crossed(a, b) for a, b in BELOW]))) > LINE


@dataclass(frozen=True)
class Glasses:
    """The frame in a picture."""

    to_frame: Array
    """[S, S] canvas px to the nearest px of the frame. `CLEAR` eye widths if farther."""
    to_still: Array
    """[S, S] the same to frame or reflex."""
    rims: dict[str, Array]
    """Outlines of the eyes by side [24, 2] canvas px."""
    eye: float
    """Width of an eye, canvas px."""


def seen(template: Template, points: Array, picture: Array, landmarks: Array, covered: tuple[str, ...] = ()) -> Glasses:
    """The frame in a picture [S, S, 3] whose mesh has the vertices points [V, 3]; picture: as `skin.frame_sharp` gives it.

    covered: eyes whose lens hides them; it belongs to the frame.
    """
    rims = {side: project(template.at(f"eye_{side}", points))[:, :2] for side in ("left", "right")}
    size = float(np.mean([np.linalg.norm(rim[0] - rim[12]) for rim in rims.values()]))
    eyes = np.concatenate(list(rims.values()))
    left, right = np.sort(landmarks[list(TEMPLES), 0])
    corners = [left, eyes[:, 1].min() - ABOVE * size, right, eyes[:, 1].max() + BELOW_EYES * size]
    x0, y0, x1, y1 = np.clip(np.round(corners), 0, [picture.shape[1], picture.shape[0]] * 2).astype(int)
    part = picture[y0:y1, x0:x1]
    cheeks = cheek_colour(picture, landmarks)
    light, grey = part.mean(2) / max(float(cheeks.mean()), 0.02), part.min(2) / np.maximum(part.max(2), 0.02)
    usual = float(cheeks.min() / max(float(cheeks.max()), 0.02))
    across = round(THICKEST * size)
    darker = np.asarray(ndimage.grey_closing(light, (across, across))) - light
    brighter = light - np.asarray(ndimage.grey_opening(light, (across, across)))
    places = np.stack(np.meshgrid(np.arange(x0, x1) + 0.5, np.arange(y0, y1) + 0.5), -1)
    bare = np.ones(light.shape, bool)
    for rim in rims.values():
        near = to_outline(rim, places.reshape(-1, 2), LASHES * size).reshape(light.shape)
        bare &= np.isinf(near) & ~within(places.reshape(-1, 2), rim).reshape(light.shape)
    reflex = _sizeable((brighter > BRIGHTER) & (light > BRIGHT) & (grey > usual + PALE) & bare, size)
    frame = _frame((darker > DARKER) & bare, places, landmarks, size)
    for side in covered:
        frame |= _lens(part, rims[side] - (x0, y0))
    room = round(CLEAR * size)  # beyond it no use of the distances tells them apart
    wide = slice(max(y0 - room, 0), y1 + room), slice(max(x0 - room, 0), x1 + room)

    def away(mask: Array) -> Array:
        whole, out = np.zeros(picture.shape[:2], bool), np.full(picture.shape[:2], room, np.float32)
        whole[y0:y1, x0:x1] = mask
        if mask.any():
            out[wide] = distance_to(whole[wide])
        return out

    still = away(frame | reflex)
    still[wide] = ndimage.gaussian_filter(still[wide], BLURRED * size)
    return Glasses(away(frame), still, rims, size)


def _sizeable(mask: Array, size: float) -> Array:
    """The mask [h, w] without specks."""
    parts = np.asarray(ndimage.label(mask)[0], np.int64)  # type: ignore[index]
    return mask & (np.bincount(parts.ravel())[parts] > (SPECK * size) ** 2)


def _frame(dark: Array, places: Array, landmarks: Array, size: float) -> Array:
    """Of the dark px [h, w] at places [h, w, 2] those of long things that are no brow."""
    parts = np.asarray(ndimage.label(dark, np.ones((3, 3)))[0])  # type: ignore[index]
    brows = np.zeros(dark.shape, bool)
    for lower, upper in BROW_OUTLINES:
        brows |= within(places.reshape(-1, 2), landmarks[[*lower, *upper[::-1]], :2]).reshape(dark.shape)
    number = np.arange(1, int(parts.max()) + 1)
    boxes: list[tuple[slice, slice]] = ndimage.find_objects(parts)
    long = np.array([columns.stop - columns.start > LONGEST * size for _, columns in boxes], bool)
    hair = np.asarray(ndimage.mean(brows, parts, number)) > HAIR
    return np.isin(parts, number[long & ~hair])


def _lens(part: Array, rim: Array) -> Array:
    """Of the picture part [h, w, 3] what hangs together with an eye (its rim [n, 2] px) and has its colour."""
    rows, columns = np.clip(rim[:, ::-1].mean(0).astype(int), 0, np.array(part.shape[:2]) - 1)
    about = part[max(rows - 3, 0) : rows + 4, max(columns - 3, 0) : columns + 4].reshape(-1, 3)
    alike = np.abs(part - np.median(about, axis=0)).max(2) < LENS
    alike[rows, columns] = True
    parts = np.asarray(ndimage.label(alike)[0])  # type: ignore[index]
    return np.asarray(ndimage.binary_fill_holes(parts == parts[rows, columns]), bool)


def behind(glasses: Glasses, template: Template, points: Array, deltas: Array) -> None:
    """Lessen what would move the frame with the skin: deltas [S, V, 3] of the vertices points [V, 3], in place."""
    places = project(points)[:, :2]
    to_frame = sample(glasses.to_frame, places)
    to_still = np.maximum(sample(glasses.to_still, places) - BLURRED * glasses.eye, 0)
    held = {}
    for side, rim in glasses.rims.items():
        away = to_outline(rim, places, FAR * glasses.eye)
        away = np.where(within(places, rim), 0, np.maximum(away - MARGIN * glasses.eye, 0))
        held[side] = to_still / np.maximum(to_still + away, 1e-3) * np.exp(-((away / (LID_REACH * glasses.eye)) ** 2))
        held[side][away == 0] = 1.0
    beside = smoothstep(to_frame / glasses.eye, BLURRED, CLEAR).astype(np.float32)
    for s, name in enumerate(template.names):
        if name.startswith(("eyeBlink", "eyeLook", "eyeSquint", "eyeWide")):
            share = held["left" if name.endswith("Left") else "right"] * (WIDE if name.startswith("eyeWide") else 1.0)
        else:
            share = beside * (BROWS if name.startswith("brow") else 1.0)
        deltas[s] *= share[:, None].astype(np.float32)


def bare(glasses: Glasses, spots: Array) -> Array:
    """Which texels at canvas px spots [n, 2] show skin beside frame and reflexes, 0 or 1."""
    return (sample(glasses.to_still, spots) > BLURRED * glasses.eye).astype(np.float32)
