"""How far the head of this portrait may turn: a photo shows one side of things."""

from __future__ import annotations

import numpy as np

from bithuman_core.build.photo.portrait import Portrait
from bithuman_core.build.shape.fit import Fit

YAW, PITCH, ROLL = 12.0, 8.5, 11.0  # degrees of a portrait from the front
BARE_YAW, BARE_PITCH = 8.0, 6.5  # where the jaw's corner stands before the background: its hidden side and the neck would stretch
JAW, BESIDE = (172, 397), 0.09  # MediaPipe numbers of the corners, image left first; face widths beside them
COST = 0.35  # of every degree the head is turned in the photo: what further turning to that side loses
LEAST = 5.0


def bare_jaw(portrait: Portrait) -> bool:
    """Whether neither hair nor a wide neck is seen beside a corner of the jaw."""
    corners = portrait.landmarks[list(JAW), :2]
    away = BESIDE * float(np.linalg.norm(portrait.landmarks[454] - portrait.landmarks[234]))
    x, y = np.clip(corners + np.array([[-away, 0], [away, 0]]), 0, len(portrait.alpha) - 1).astype(int).T
    return bool((portrait.alpha[y, x] < 0.5).any())


def head(fitted: Fit, bare: bool = False) -> dict[str, tuple[float, float]]:
    """Limits of the head by name (degrees, face widths). bare: what `bare_jaw` says."""
    yaw, pitch, _ = fitted.angles()
    widest, highest = (BARE_YAW, BARE_PITCH) if bare else (YAW, PITCH)

    def sides(limit: float, turned: float) -> tuple[float, float]:
        low, high = limit - COST * max(-turned, 0), limit - COST * max(turned, 0)
        return -max(low, LEAST), max(high, LEAST)

    return {"headYaw": sides(widest, yaw), "headPitch": sides(highest, pitch), "headRoll": (-ROLL, ROLL), "headX": (-0.08, 0.08),
            "headY": (-0.07, 0.07), "headZ": (-0.15, 0.15)}  # fmt: skip
