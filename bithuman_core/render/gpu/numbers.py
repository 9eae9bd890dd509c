"""What one session sends up for one frame: a row of numbers that all shaders read (``shaders/rig.wgsl``)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FaceState
from bithuman_core.render.eyes import looking
from bithuman_core.render.residual import STEPS
from bithuman_core.render.rig import PortraitRig

HEAD, LIFT, STILL_LIFT, EYES, AN_EYE, RESIDUAL = 52, 58, 59, 60, 8, 76


def count(rig: PortraitRig) -> int:
    """How many numbers a row has."""
    return RESIDUAL + len(rig.smooth.scale)


def fill(rig: PortraitRig, face: FaceState, row: NDArray[np.float32]) -> None:
    """Write the row [count] of a face. Raises ValueError for a value that is not a number."""
    amount, head, lift = rig.coefficients(face), rig.head(face), rig.lift(face)
    row[:HEAD] = amount
    row[HEAD:LIFT] = head
    px = lift * rig.scale
    whole = int(px)
    row[LIFT], row[STILL_LIFT] = lift, 256 * whole + int(256 * (px - whole) + 0.5)
    for k in range(2):
        look = looking(rig, k, amount, head)
        turned = np.cos(look.yaw), np.sin(look.yaw), np.cos(look.pitch), np.sin(look.pitch)
        first = EYES + k * AN_EYE
        row[first : first + AN_EYE] = (*turned, look.shade, look.lid, look.mirror_x, look.mirror_y)
    row[RESIDUAL:] = rig.correctives.amounts(amount, head)


def steps(scale: NDArray[np.float32], start: NDArray[np.int64]) -> NDArray[np.float32]:
    """What a stored value of each residual row is worth, in steps."""
    return (STEPS * scale * (np.diff(start) > 0)).astype(np.float32)
