"""Idle life: blinks, gaze, breath, slow drift of head and expression. Everything that moves when nothing is said."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FACE_SIZE, INDEX, indices
from bithuman_core.motion.blink import Blinks
from bithuman_core.motion.gaze import Gaze
from bithuman_core.motion.noise import SmoothNoise
from bithuman_core.timing import TICK_SECONDS

# eyeballs turn by these angles at coefficient 1 (the bake's convention, close to ARKit's)
EYE_YAW, EYE_UP, EYE_DOWN = 25.0, 20.0, 22.0  # degrees
VIEWER_CONVERGENCE = 0.12  # eyeLookIn of both eyes that meets a viewer in front of the screen
BREATH_SECONDS = 4.2
BREATH_HEIGHT = 0.004  # face widths
POSTURE_PERIOD, SWAY_PERIOD = 2.6, 0.9  # seconds between the knots of slow and quick head motion
POSTURE_DEGREES = np.array([1.9, 1.2, 1.1])  # yaw, pitch, roll
SWAY_DEGREES = np.array([0.35, 0.3, 0.2])
SPEAKING_GAIN = 0.9  # how much more the head moves while speaking
LIDS = indices("eyeBlinkLeft", "eyeBlinkRight")
HEAD_ANGLES = indices("headYaw", "headPitch", "headRoll")


class IdleLife:
    """The face of someone who is awake, one tick after the other, never repeating, seeded."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._blinks = Blinks(rng)
        self._gaze = Gaze(rng)
        self._posture = SmoothNoise(rng, 3, POSTURE_PERIOD)
        self._sway = SmoothNoise(rng, 3, SWAY_PERIOD)
        self._expression = SmoothNoise(rng, 4, 1.7)
        self._breath = float(rng.uniform(0.0, 2.0 * math.pi))

    def next(self, speaking: float, phrase_ended: bool) -> NDArray[np.float32]:
        """The idle face at the next tick, float32 [58]; ``speaking`` 0..1 livens the head."""
        face = np.zeros(FACE_SIZE, np.float32)
        if phrase_ended:
            self._blinks.phrase_ended()
        gain = 1.0 + SPEAKING_GAIN * speaking
        angles = gain * (POSTURE_DEGREES * self._posture.next() + SWAY_DEGREES * self._sway.next())
        face[HEAD_ANGLES] = angles
        self._look(face, *self._gaze.next(), float(angles[0]), float(angles[1]))
        face[LIDS] = self._blinks.next()
        self._breath += 2.0 * math.pi * TICK_SECONDS / BREATH_SECONDS
        face[INDEX["headY"]] = BREATH_HEIGHT * math.sin(self._breath)
        brow, smile_left, smile_right, squint = self._expression.next()
        face[INDEX["browInnerUp"]] = 0.05 * max(brow, 0.0)
        face[INDEX["mouthSmileLeft"]] = 0.05 * max(smile_left + 0.4, 0.0)
        face[INDEX["mouthSmileRight"]] = 0.05 * max(smile_right + 0.4, 0.0)
        face[indices("eyeSquintLeft", "eyeSquintRight")] = 0.08 * max(squint, 0.0)
        return face

    @staticmethod
    def _look(face: NDArray[np.float32], yaw: float, pitch: float, head_yaw: float, head_pitch: float) -> None:
        """Set the eye coefficients for a gaze given in degrees; the eyes hold the viewer while the head drifts."""
        yaw, pitch = yaw - head_yaw, pitch - head_pitch
        turn = yaw / EYE_YAW  # + to image right, which is outwards for the character's left eye
        for out, inwards, value in (("eyeLookOutLeft", "eyeLookInLeft", turn), ("eyeLookOutRight", "eyeLookInRight", -turn)):
            value -= VIEWER_CONVERGENCE
            face[INDEX[out]], face[INDEX[inwards]] = max(value, 0.0), max(-value, 0.0)
        face[indices("eyeLookUpLeft", "eyeLookUpRight")] = max(pitch / EYE_UP, 0.0)
        face[indices("eyeLookDownLeft", "eyeLookDownRight")] = max(-pitch / EYE_DOWN, 0.0)
