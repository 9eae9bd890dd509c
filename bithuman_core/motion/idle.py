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
LISTENING_SECONDS = 0.4  # to lean in, and back
LISTENING_PITCH, LISTENING_ROLL = -1.5, 2.0  # degrees: attentive, a little tilted
NOD_WAIT = (1.6, 4.5)  # seconds between the small nods of a listener
NOD_SECONDS, NOD_DEGREES = 0.55, 2.6
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
        self._rng = rng
        self._attention = 0.0
        self._nod_age = math.inf
        self._nod_wait = 0.0

    def next(
        self, speaking: float = 0.0, phrase_ended: bool = False, listening: bool = False, lively: float = 1.0
    ) -> NDArray[np.float32]:
        """The idle face at the next tick, float32 [59].

        speaking 0..1 livens the head; phrase_ended invites a blink; listening draws the gaze to the viewer and nods now and
        then; lively 0..1 scales the motion of head, gaze and expression (blinks and breath stay).
        """
        face = np.zeros(FACE_SIZE, np.float32)
        if phrase_ended:
            self._blinks.phrase_ended()
        self._attention += (float(listening) - self._attention) * TICK_SECONDS / LISTENING_SECONDS
        gain = (1.0 + SPEAKING_GAIN * speaking) * lively
        angles = gain * (POSTURE_DEGREES * self._posture.next() + SWAY_DEGREES * self._sway.next())
        angles[1] += self._attention * LISTENING_PITCH - self._nod(listening) * lively
        angles[2] += self._attention * LISTENING_ROLL * lively
        face[HEAD_ANGLES] = angles
        wander = lively * (1.0 - 0.75 * self._attention)  # a listener looks at who speaks
        yaw, pitch = self._gaze.next()
        self._look(face, wander * yaw, wander * pitch, float(angles[0]), float(angles[1]))
        face[LIDS] = self._blinks.next()
        self._breath += 2.0 * math.pi * TICK_SECONDS / BREATH_SECONDS
        face[INDEX["headY"]] = BREATH_HEIGHT * math.sin(self._breath)
        brow, smile_left, smile_right, squint = lively * self._expression.next()
        face[INDEX["browInnerUp"]] = 0.05 * max(brow, 0.0)
        face[INDEX["mouthSmileLeft"]] = 0.03 * max(smile_left, 0.0)
        face[INDEX["mouthSmileRight"]] = 0.03 * max(smile_right, 0.0)
        face[indices("eyeSquintLeft", "eyeSquintRight")] = 0.08 * max(squint, 0.0)
        return face

    def _nod(self, listening: bool) -> float:
        """How far a listener's nod is down, degrees."""
        self._nod_age += TICK_SECONDS
        self._nod_wait -= TICK_SECONDS * listening
        if self._nod_wait <= 0.0:
            if listening:
                self._nod_age = 0.0
            self._nod_wait = float(self._rng.uniform(*NOD_WAIT))
        t = min(self._nod_age / NOD_SECONDS, 1.0)
        return NOD_DEGREES * math.sin(math.pi * t) ** 2

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
