"""A thinker: the eyes go up and aside, the brows draw together a little, the lips press, until the answer is there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FACE_SIZE, FaceState
from bithuman_core.motion.spring import Spring

SECONDS = 0.5  # to become thoughtful, and back
# Averted gaze while an answer is looked for: Glenberg, Schroeder and Robertson (1998); up and aside rather than down.
THOUGHTFUL = FaceState.from_mapping(
    {"eyeLookUpLeft": 0.4, "eyeLookUpRight": 0.4, "eyeLookOutLeft": 0.36, "eyeLookInRight": 0.36, "browInnerUp": 0.26,
     "browDownLeft": 0.14, "browDownRight": 0.06, "mouthPressLeft": 0.3, "mouthPressRight": 0.24, "mouthLeft": 0.1,
     "eyeSquintLeft": 0.12, "eyeSquintRight": 0.12, "headYaw": 2.8, "headPitch": 1.4, "headRoll": -2.4}
).values  # fmt: skip


class Thinking:
    """What thought adds to the face."""

    def __init__(self) -> None:
        self._depth = Spring([0.0], SECONDS)

    def next(self, thinking: bool) -> NDArray[np.float32]:
        """What it adds at the next tick, float32 [59]."""
        depth = float(self._depth.next(np.array([float(thinking)]))[0])
        return np.float32(depth) * THOUGHTFUL if abs(depth) > 1e-3 else np.zeros(FACE_SIZE, np.float32)
