"""Eyeballs: where they are, and their pictures: iris and sclera completed under the lids, shade and catchlight taken apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from bithuman_core.build.arrays import Array
from bithuman_core.build.photo.portrait import CANVAS
from bithuman_core.build.shape.camera import DISTANCE, project
from bithuman_core.build.shape.fit import Fit
from bithuman_core.build.shape.shapes import lids
from bithuman_core.build.shape.template import EYE, Template
from bithuman_core.build.skin.fill import fill
from bithuman_core.render.smoothstep import smoothstep

SHADE_SCALE = 1.3  # light of an eye where its alpha is 255
LID_SHADOW, LID_DEPTH = 0.2, 0.16  # what the upper lid takes of the light at its edge; radii over which that falls to 1/e
UNDER_LID = 0.5  # of that fall above its edge: what a widened eye shows is no darker than the rest
EDGE = 2.5  # px of the eye beside the lids that the photo blurs with them
WHITE = np.array([1.02, 0.97, 0.94], np.float32)  # of the eye, in units of the brightness of the lid above it
LEAST_WHITE, OWN_WHITE = 40, 3.0  # px that the photo must show of it; px beyond them that keep their own colour
PALEST = 0.7  # share of them that is darker than white: corners of the eye, shadow
GLINT = 0.12  # how much brighter than the rest of its ring about the pupil a reflex is
PAINTED = (0.95, 0.57)  # of the radius beside and above the middle: what the renderer paints of a turned eye, less its edge
FLANGE, INNER = 0.15, (0.6, 0.95)  # radii that the ball's rim is drawn out by, behind the corners of the lids; from where, and to
IRIS_MARKS = {"left": range(473, 478), "right": range(468, 473)}


@dataclass(frozen=True)
class Eyeball:
    """One eye on the canvas. colour [h, w, 3] without reflex and shade, shade [h, w], glint [h, w, 3]; box: its corner."""

    colour: Array
    shade: Array
    glint: Array
    box: tuple[int, int]
    centre: Array  # [3] px space
    radius: float  # px space

    @property
    def on_canvas(self) -> tuple[float, float, float]:
        """x, y (px of the picture) and radius of the ball."""
        x, y, _ = project(self.centre)
        return float(x - self.box[0]), float(y - self.box[1]), float(self.radius * DISTANCE / (DISTANCE + self.centre[2]))

    def place_on(self, places: Array) -> Array:
        """Px of the picture [n, 2] for canvas px [n, 2]; beside what the renderer paints, the nearest that it does."""
        x, y, radius = self.on_canvas
        room = radius * np.array(PAINTED)
        return np.clip(places - self.box, np.array([x, y]) - room, np.array([x, y]) + room)


def balls(template: Template, fitted: Fit, points: Array) -> dict[str, tuple[Array, float]]:
    """Centre [3] and radius of the eyeballs by side (px space), as they sit behind the lids of points [V, 3]."""
    out = {}
    scale = float(np.cbrt(np.linalg.det(fitted.turn)))
    caps = template.vertices_of(EYE)
    for k, side in enumerate(("left", "right")):
        cap = caps[(template.points[caps, 0] > 0) == (side == "left")]
        # The cap moves rigidly with its centre.
        centre = points[cap].mean(0) - (template.points[cap].mean(0) - template.eye_centre[k]) @ fitted.turn.T
        out[side] = centre, template.eye_radius * scale
    return out


def widened(template: Template, points: Array, found: dict[str, tuple[Array, float]]) -> Array:
    """Vertices points [V, 3] whose caps of the eyeballs (`balls`) reach behind the corners of the lids."""
    out = points.copy()
    caps = template.vertices_of(EYE)
    for side, (centre, radius) in found.items():
        cap = caps[(template.points[caps, 0] > 0) == (side == "left")]
        way = (points[cap] - centre)[:, :2]
        out[cap, :2] += FLANGE * smoothstep(np.linalg.norm(way, axis=1, keepdims=True) / radius, *INNER) * way
    return out


def picture(template: Template, points: Array, photo: Array, landmarks: Array, side: str, centre: Array,
            radius: float) -> Eyeball:  # fmt: skip
    """The picture of one eye from the photo [S, S, 3] whose mesh has the vertices points [V, 3]."""
    w, h = template.eye_size[side]
    x, y, _ = project(centre)
    left, top = int(np.clip(round(x - w / 2), 0, CANVAS - w)), int(np.clip(round(y - h / 2), 0, CANVAS - h))
    crop = np.asarray(photo[top : top + h, left : left + w], np.float32)
    yy, xx = np.mgrid[0:h, 0:w] + 0.5
    upper, lower = lids(project(template.at(f"eye_{side}", points))[:, :2] - (left, top))
    lid, floor = np.interp(xx[0], upper[:, 0], upper[:, 1])[None], np.interp(xx[0], lower[:, 0], lower[:, 1])[None]
    bare = (yy > lid + EDGE) & (yy < floor - EDGE) & (xx > upper[0, 0] + EDGE) & (xx < upper[-1, 0] - EDGE)
    seen = (yy > lid) & (yy < floor) & (xx > upper[0, 0]) & (xx < upper[-1, 0])
    size = radius * DISTANCE / (DISTANCE + centre[2])
    shade = 1 - LID_SHADOW * np.exp(-np.maximum(yy - lid, (lid - yy) * UNDER_LID) / (LID_DEPTH * size))
    flat = crop / shade[..., None]
    marks = landmarks[list(IRIS_MARKS[side]), :2] - (left, top)
    middle, rim = marks[0], float(np.linalg.norm(marks[1:] - marks[0], axis=1).mean()) * 1.03
    away = np.hypot(xx - middle[0], yy - middle[1])
    ring = np.minimum(away, rim).astype(int)
    luma = flat.mean(2)
    iris = away < rim
    profile = np.array([np.median(flat[bare & (ring == r)], axis=0) if (bare & (ring == r)).sum() > 3 else (np.nan,) * 3
                        for r in range(int(rim) + 1)], np.float32)  # fmt: skip
    usable = ~np.isnan(profile[:, 0])
    if usable.any():
        profile = np.stack([np.interp(np.arange(len(profile)), np.flatnonzero(usable), profile[usable, k]) for k in range(3)], 1)
    else:
        profile = np.full((len(profile), 3), 0.15)
    typical = profile.mean(1)[ring]
    bright = iris & bare & (luma > typical + GLINT) & (away < 0.9 * rim)
    bright = ndimage.binary_dilation(bright, iterations=2) & iris & bare
    sclera = _sclera(flat, bare & (away > rim + 1.5), seen, upper, crop)
    inner = np.clip((rim + 1 - away) / 2, 0, 1)[..., None]
    hidden = profile[ring].astype(np.float32)
    complete = np.where(seen[..., None], flat, sclera * (1 - inner) + hidden * inner)
    complete = np.where((bright | (iris & ~bare & seen))[..., None], hidden, complete).astype(np.float32)
    glint = np.clip(crop - complete * shade[..., None], 0, 1) * bright[..., None]
    return Eyeball(np.clip(complete, 0, 1), shade.astype(np.float32), glint.astype(np.float32), (left, top), centre, radius)


def _sclera(flat: Array, bare: Array, seen: Array, upper: Array, crop: Array) -> Array:
    """The white of the eye [h, w, 3], continued under the lids in the colour of its palest part.

    bare [h, w]: where the photo shows it well; seen: where it shows the eye at all.
    """
    h, w = bare.shape
    brow = crop[max(int(upper[:, 1].min()) - 14, 0) : max(int(upper[:, 1].min()) - 4, 1), w // 3 : 2 * w // 3].mean((0, 1))
    tone = WHITE * float(brow.mean())
    luma = flat.mean(2)
    if bare.sum() > LEAST_WHITE:
        bright = bare & (luma >= np.quantile(luma[bare], PALEST))
        measured = flat[bright].mean(0)
        tone = np.maximum(measured, tone) if measured.mean() < tone.mean() else measured
    away = np.asarray(ndimage.distance_transform_edt(~seen)) if bare.any() else np.full((h, w), np.inf)
    own = fill(flat, bare.astype(np.float32)) if bare.any() else np.broadcast_to(tone, flat.shape)
    share = np.exp(-away / OWN_WHITE)[..., None]
    return (own * share + tone * (1 - share)).astype(np.float32)
