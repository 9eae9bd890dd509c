"""What one session sends up for one frame, and the row of numbers that the device makes of it (``shaders/state.wgsl``)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import COEFFICIENTS, FACE_SIZE, FaceState
from bithuman_core.render.residual import STEPS
from bithuman_core.render.rig import PortraitRig

LIFT, AMOUNT = 6, 7  # of what is sent up: the head comes first, the coefficients last
SENT = FACE_SIZE
MADE = 24  # of a row, before what drives the residuals: head, lift, eyes (``shaders/rig.wgsl``)


def count(rig: PortraitRig) -> int:
    """How many numbers a row has."""
    return MADE + COEFFICIENTS + len(rig.correctives.order)


def fill(rig: PortraitRig, face: FaceState, sent: NDArray[np.float32]) -> None:
    """Write what is sent up of a face [SENT]: head (radians, px), px that breath lifts, coefficients as the avatar does them.

    Raises ValueError for a value that is not a number.
    """
    sent[AMOUNT:] = rig.coefficients(face)
    sent[:LIFT] = rig.head(face)
    sent[LIFT] = rig.lift(face)


def steps(scale: NDArray[np.float32], start: NDArray[np.int64]) -> NDArray[np.float32]:
    """What a stored value of each residual row is worth, in steps."""
    return (STEPS * scale * (np.diff(start) > 0)).astype(np.float32)
