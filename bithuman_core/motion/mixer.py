"""The mixer: speech, prosody and idle life into one face a tick, without a jump."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import INDEX, FaceState, indices
from bithuman_core.motion.idle import IdleLife
from bithuman_core.motion.prosody import Prosody

RELEASE = 0.55  # what is left, a tick later, of a mouth that was cut off
NOD_DEGREES = 1.6  # the head goes down with stress
STRESS_BROW = 0.16
SMILE = indices("mouthSmileLeft", "mouthSmileRight")
BROWS = indices("browInnerUp", "browOuterUpLeft", "browOuterUpRight")


class Mixer:
    """Blends the mouth of the speech net with idle life. One per session, seeded.

    mouth_names: the ARKit names of the net's mouth coefficients, in its order.
    """

    def __init__(self, mouth_names: Sequence[str], seed: int) -> None:
        self._mouth = indices(*mouth_names)
        self._idle = IdleLife(np.random.default_rng(seed))
        self._prosody = Prosody()
        self._shown = np.zeros(len(mouth_names), np.float32)
        self._release = np.zeros(len(mouth_names), np.float32)

    def cut(self) -> None:
        """The speech was interrupted: the mouth closes from where it is, within a few frames."""
        self._release = self._shown.copy()

    def next(self, mouth: NDArray[np.float32], voice: float, samples: NDArray[np.float32]) -> FaceState:
        """The face of the next tick.

        mouth: coefficients 0..1 of the net; voice: its voice activity 0..1; samples: the tick's sound, float32 [640].
        """
        self._prosody.push(samples, voice)
        speaking, stress = self._prosody.speaking, self._prosody.stress
        values = self._idle.next(speaking, self._prosody.phrase_ended)
        values[INDEX["headPitch"]] -= NOD_DEGREES * stress
        values[BROWS] += STRESS_BROW * max(stress, 0.0)
        values[SMILE] *= 1.0 - 0.6 * speaking
        self._release *= RELEASE
        self._shown = np.maximum(mouth, self._release)
        values[self._mouth] += self._shown
        return FaceState(values).clipped()
