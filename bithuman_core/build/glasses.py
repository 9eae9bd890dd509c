"""Glasses: found by their frame, which breaks the even skin of the nose and below the eyes; brows and lids then move less."""

from __future__ import annotations

import numpy as np

from bithuman_core.build.skin import frame_sharp, sample
from bithuman_core.build.template import Array, Template

BRIDGE, BELOW = (9, 5), ((230, 50), (450, 280))  # MediaPipe numbers: lines along which bare skin is even
UNEVEN = (0.065, 0.05)  # deviation from a parabola, of the mean brightness: bare faces 0.015 to 0.045, a frame 0.11 and more
BROWS, WIDE = 0.35, 0.5  # what is left of the moves of brows and of widened eyes behind a frame
LID_REACH = 0.14  # widths of the eye about it that its lids still move


def worn(picture: Array, landmarks: Array) -> bool:
    """Whether the person in the picture [S, S, 3] wears glasses with a visible frame."""
    picture = frame_sharp(picture)

    def uneven(a: int, b: int) -> float:
        t = np.linspace(0, 1, 60)
        places = landmarks[a, :2] + (landmarks[b, :2] - landmarks[a, :2]) * t[:, None]
        light = sample(picture, places).mean(1)
        return float(np.std(light - np.polyval(np.polyfit(t, light, 2), t)) / max(float(light.mean()), 0.02))

    return uneven(*BRIDGE) > UNEVEN[0] and float(np.mean([uneven(a, b) for a, b in BELOW])) > UNEVEN[1]


def behind_glasses(template: Template, deltas: Array) -> None:
    """Lessen what would move the frame with the skin: deltas [S, V, 3], in place."""
    for s, name in enumerate(template.names):
        if name.startswith("brow"):
            deltas[s] *= BROWS
        elif name.startswith(("eyeBlink", "eyeLook", "eyeSquint", "eyeWide")):
            ring = template.at("eye_left" if name.endswith("Left") else "eye_right", template.points)
            reach = LID_REACH * float(np.linalg.norm(ring[0] - ring[12]))
            moved = np.flatnonzero(np.abs(deltas[s]).max(1) > 0)
            away = np.linalg.norm(template.points[moved, None, :2] - ring[None, :, :2], axis=2).min(1)
            inside = _within(template.points[moved, :2], ring[:, :2])
            share = np.where(inside, 1.0, np.exp(-((away / reach) ** 2)))
            deltas[s, moved] *= (share * (WIDE if name.startswith("eyeWide") else 1.0))[:, None].astype(np.float32)


def _within(points: Array, ring: Array) -> Array:
    """Which points [n, 2] lie inside the polygon ring [m, 2] (even-odd rule)."""
    inside = np.zeros(len(points), bool)
    for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        crosses = (a[1] > points[:, 1]) != (b[1] > points[:, 1])
        x = a[0] + (points[:, 1] - a[1]) / np.where(b[1] == a[1], 1e-9, b[1] - a[1]) * (b[0] - a[0])
        inside ^= crosses & (points[:, 0] < x)
    return inside
