"""Where a walk through the footage may turn or go over to another frame, and what the frames are like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, minimum_filter1d

from bithuman_core.build.arrays import Array
from bithuman_core.build.footage.person.person import LIPS, Person

STILL = 0.25  # px (512 px frames) a frame: slower heads may turn
LIKE = 2.0  # px (512 px frames) between the upper faces of frames that a walk may jump between
LIKE_GAZE = 0.8  # px between their irises, beside their eyes' corners: two gazes at once are seen
LIKE_LIGHT = 4.0  # levels between their thumbnails
NEAR = 40  # frames: jumps go farther
LASTS, DRIFT = 8, 1.5  # frames that a jump takes (`motion.walk`), and times as much as the above that they may differ on the way
BLINK = 9  # frames on both sides of a turn in which no eye shuts: it would shut twice
MOST_JUMPS = 400
EYES = ((468, [33, 133]), (473, [362, 263]))  # MediaPipe numbers: iris, corners
RELAXED = 3.0  # times STILL that a turning point may have where there are too few
LID_OPEN = 0.7  # of the usual gap between the lids: eyes below it are shut
AVERTED = 0.35  # eyeLook at which eyes look away


@dataclass(frozen=True)
class Walkable:
    """See `render.footage.rig.WalkData`."""

    turning: Array
    jumps: Array
    eyes: Array
    motion: Array


def walkable(person: Person, thumbs: Array, landmarks: Array, blendshapes: list[dict[str, float]]) -> Walkable:
    """thumbs [n, k]: tiny pictures, 0..255. Landmarks [n, 478, 3] canvas px."""
    steady = np.setdiff1d(np.arange(468), LIPS)
    points = gaussian_filter1d(landmarks[:, steady, :2] / 2, 1.0, axis=0)
    head = points.mean(1)
    speed = np.linalg.norm(np.gradient(head, axis=0), axis=1)
    lids = landmarks[:, [145, 374], 1] - landmarks[:, [159, 386], 1]
    gap = lids.mean(1)
    moving_lids = np.abs(np.gradient(gap)) / max(float(np.median(gap)), 1e-3)
    eyes = _eyes(gap, blendshapes)
    turning = _turning(speed, moving_lids, minimum_filter1d(eyes, 2 * BLINK + 1) > 0.5)
    jumps = like_pairs(points, _gaze(landmarks) / 2, thumbs, eyes)
    return Walkable(turning, jumps, (255 * eyes + 0.5).astype(np.uint8), np.clip(8 * speed, 0, 255).astype(np.uint8))


def _eyes(gap: Array, blendshapes: list[dict[str, float]]) -> Array:
    usual = float(np.median(gap))
    opened = np.clip((gap / usual - LID_OPEN / 2) / (LID_OPEN / 2), 0, 1)
    away = np.array([max((v for n, v in shapes.items() if n.startswith("eyeLook")), default=0.0) for shapes in blendshapes])
    averted = np.clip((away - float(np.median(away))) / AVERTED, 0, 1)
    return opened * (1 - 0.7 * averted)


def _turning(speed: Array, lids: Array, awake: Array) -> Array:
    """Frames where the head stands still and the lids do, the slowest of their surroundings; the film's ends at least.

    awake: where no blink is near, which is asked for as long as there are enough.
    """
    count = len(speed)
    cost = speed + 4 * lids
    for limit, allowed in ((STILL, awake), (RELAXED * STILL, awake), (RELAXED * STILL, np.ones(count, bool))):
        inner = np.arange(1, count - 1)
        slowest = (cost[1:-1] <= cost[:-2]) & (cost[1:-1] <= cost[2:]) & (cost[1:-1] < limit) & allowed[1:-1]
        found = inner[slowest]
        if len(found) >= 2 and found[0] < count / 3 and found[-1] > 2 * count / 3:
            return found.astype(np.uint16)
    ends = [int(np.argmin(cost[: max(count // 10, 1)])), count - 1 - int(np.argmin(cost[::-1][: max(count // 10, 1)]))]
    return np.unique(np.concatenate([found, ends])).astype(np.uint16)


def _gaze(landmarks: Array) -> Array:
    """[n, 4] px: where both irises are between the corners of their eyes."""
    sides = [landmarks[:, iris, :2] - landmarks[:, corners, :2].mean(1) for iris, corners in EYES]
    return gaussian_filter1d(np.concatenate(sides, 1), 1.0, axis=0)


def like_pairs(points: Array, gaze: Array, thumbs: Array, eyes: Array) -> Array:
    """[j, 2] pairs (from, to) that look alike, as what comes after them does for as long as a jump takes."""
    count = len(points)
    flat = points.reshape(count, -1)
    square = (flat**2).sum(1)
    apart = np.sqrt(np.maximum(square[:, None] + square[None] - 2 * flat @ flat.T, 0) / points.shape[1])
    light = (thumbs**2).sum(1)
    levels = np.sqrt(np.maximum(light[:, None] + light[None] - 2 * thumbs @ thumbs.T, 0) / thumbs.shape[1])
    looks = np.linalg.norm(gaze[:, None] - gaze[None], axis=-1) / np.sqrt(2)
    at = np.arange(count)
    good = (apart < LIKE) & (looks < LIKE_GAZE) & (levels < LIKE_LIGHT) & (np.abs(at[:, None] - at) > NEAR)
    good &= (np.abs(eyes[:, None] - eyes[None]) < 0.25) & (eyes[None] > 0.6)
    still_alike = (apart < DRIFT * LIKE) & (looks < DRIFT * LIKE_GAZE) & (levels < DRIFT * LIKE_LIGHT)
    for k in range(1, LASTS):
        good[:-k, :-k] &= still_alike[k:, k:]
    cost = np.where(good, apart + looks + 0.3 * levels, np.inf)
    best = [(float(cost[i, j]), i, j) for i, j in zip(*np.nonzero(good), strict=True)]
    kept: list[tuple[int, int]] = []
    for _, i, j in sorted(best):
        if all(abs(i - a) > 4 or abs(j - b) > 4 for a, b in kept):
            kept.append((int(i), int(j)))
        if len(kept) == MOST_JUMPS:
            break
    return np.array(sorted(kept), np.uint16).reshape(-1, 2)
