"""How far the head of this portrait may turn: a photo shows one side of things."""

from __future__ import annotations

from bithuman_core.build.fit import Fit

YAW, PITCH, ROLL = 12.0, 8.5, 11.0  # degrees of a portrait from the front
COST = 0.35  # of every degree the head is turned in the photo: what further turning to that side loses
LEAST = 5.0


def head(fitted: Fit) -> dict[str, tuple[float, float]]:
    """Limits of the head by name (degrees, face widths)."""
    yaw, pitch, _ = fitted.angles()

    def sides(limit: float, turned: float) -> tuple[float, float]:
        low, high = limit - COST * max(-turned, 0), limit - COST * max(turned, 0)
        return -max(low, LEAST), max(high, LEAST)

    return {"headYaw": sides(YAW, yaw), "headPitch": sides(PITCH, pitch), "headRoll": (-ROLL, ROLL), "headX": (-0.08, 0.08),
            "headY": (-0.07, 0.07), "headZ": (-0.15, 0.15)}  # fmt: skip
