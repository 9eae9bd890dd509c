"""Where the inner lips really end in each frame: the landmark net lies 1 to 3 px beside, and teeth would stick to the lips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, map_coordinates

from bithuman_core.build.arrays import Array
from bithuman_core.build.footage.clip.frames import Frames
from bithuman_core.build.footage.person.mesh import DOWN, UP
from bithuman_core.render.footage.mouth_patch import INSIDE, PARTED

STEP, LONGEST = 0.25, 6.0  # px of a 512 px frame along the way from the outer to the inner lip
LUMA, REDNESS = 0.25, 0.22 / 6  # differences of log luma, of (R - G) / (R + G + B), that count alike
LIP_BAND = (0.3, 0.75)  # of a lip's thickness from its inner edge: what its own colour is taken of
FARTHEST, DEAR = 3.5, 0.08  # px a correction goes at most, and what a px of it must gain
LEAST_RISE, CLOSED = 0.15, 1.2  # slope that counts as an edge; px of gap below which there is none to find
ALONG, IN_TIME = 1.2, 0.8  # points along the lip, frames: width of the smoothing
MARGIN = 0.5  # px to the lip's side, so that nothing of the mouth's inside stays on it
OPPOSITE = np.zeros(40, int)
OPPOSITE[UP], OPPOSITE[DOWN[1:-1]], OPPOSITE[20] = DOWN, UP[1:-1], 20


@dataclass(frozen=True)
class LipRing:
    """The inner lips of n frames, frame px."""

    move: Array
    """f32 [n, 40, 2]: from the mesh's ring to the picture's."""
    interior: Array
    """f32 [n, 40, 2]: the edge of what lies behind the lips."""


def lip_ring(frames: Frames, inner: Array, outer: Array, scale: float) -> LipRing:
    """The mesh's inner and outer rings [n, 40, 2], px. scale: px to one of a 512 px frame."""
    inner, outer = inner / scale, outer / scale
    across = inner - outer
    thick = np.linalg.norm(across, axis=-1)
    way = across / np.maximum(thick, 1e-3)[..., None]
    gap = np.linalg.norm(inner - inner[:, OPPOSITE], axis=-1)
    found, sure = np.zeros(gap.shape), np.zeros(gap.shape)
    steps = np.arange(-LONGEST, LONGEST + STEP / 2, STEP)
    for i in np.flatnonzero((gap > CLOSED).any(1)):
        places = (inner[i, :, None] + steps[None, :, None] * way[i, :, None]) * scale
        found[i], sure[i] = _edges(frames[i], places, steps, thick[i], gap[i])
    weighted, trust = found * sure, sure.copy()
    for half in (UP, DOWN):
        weighted[:, half] = gaussian_filter1d(weighted[:, half], ALONG, axis=1)
        trust[:, half] = gaussian_filter1d(trust[:, half], ALONG, axis=1)
    weighted, trust = (gaussian_filter1d(v, IN_TIME, axis=0) for v in (weighted, trust))
    move = weighted / (trust + 0.15) - MARGIN * np.clip((gap - 1.0) / 1.5, 0, 1)
    move[:, [0, 20]] = 0
    opened = np.minimum(1, gap / PARTED)[..., None]
    interior = inner + (move + INSIDE)[..., None] * way * opened
    return LipRing((move[..., None] * way * scale).astype(np.float32), (interior * scale).astype(np.float32))


def _edges(frame: Array, places: Array, steps: Array, thick: Array, gap: Array) -> tuple[Array, Array]:
    """Along the ways [40, s, 2]: where the lip ends (steps, + into the mouth) and how sure that is, both [40]."""
    x0, y0 = np.maximum(np.floor(places.min((0, 1))).astype(int) - 2, 0)
    x1, y1 = np.ceil(places.max((0, 1))).astype(int) + 3
    cut = frame[y0:y1, x0:x1].astype(np.float32)
    at = [places[..., 1] - y0 - 0.5, places[..., 0] - x0 - 0.5]
    colour = np.stack([map_coordinates(cut[..., c], at, order=1, mode="nearest") for c in range(3)], -1)
    luma = np.log(colour.mean(-1) + 8) / LUMA
    red = (colour[..., 0] - colour[..., 1]) / (colour.sum(-1) + 24) / REDNESS
    features = gaussian_filter1d(np.stack([luma, red], -1), 1.5, axis=1)
    band = (steps[None] < -LIP_BAND[0] * thick[:, None]) & (steps[None] > -LIP_BAND[1] * thick[:, None])
    own = np.full((40, 2), np.nan)
    for k in np.flatnonzero(band.sum(1) > 1):
        own[k] = np.median(features[k][band[k]], 0)
    for half in (UP, DOWN):
        lip = own[half]
        known = np.flatnonzero(~np.isnan(lip[:, 0]))
        if len(known) >= 3:
            own[half] = np.stack([gaussian_filter1d(np.interp(np.arange(21), known, lip[known, c]), 1.5) for c in (0, 1)], 1)
    away = np.sqrt(((features - own[:, None]) ** 2).sum(-1))
    rise = np.gradient(away, STEP, axis=1)
    found, sure = np.zeros(40), np.zeros(40)
    for k in range(40):
        if k in (0, 20) or gap[k] < CLOSED or np.isnan(own[k, 0]):
            continue
        allowed = (steps <= min(FARTHEST, 0.55 * gap[k])) & (steps >= -min(FARTHEST, 0.6 * thick[k]))
        best = np.where(allowed, rise[k] - DEAR * np.abs(steps), -9.0)
        j = int(best.argmax())
        if best[j] > LEAST_RISE:
            found[k], sure[k] = steps[j], min(float(rise[k, j]), 1.5) * min((gap[k] - 1.2) / 2, 1)
    return found, sure
