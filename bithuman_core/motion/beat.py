"""What the head and brows do with the speech: a beat on stressed syllables, the tune, settling where a phrase ends."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FACE_SIZE, indices
from bithuman_core.motion.prosody import Prosody
from bithuman_core.motion.spring import Spring
from bithuman_core.timing import TICK_SECONDS

HEAD_SETTLE, BROW_SETTLE, TILT_SETTLE = 0.42, 0.34, 0.8  # s
BEAT_DEGREES = np.array([3.0, 9.0, 2.2])  # drive of a full accent: yaw and roll to either side, pitch down
BEAT_FADE, BROW_FADE, TILT_FADE = 0.13, 0.3, 1.1  # s, time constants of the drives
BEAT_WAIT, BROW_WAIT = 0.3, 0.9  # s between two of them, at least, unless the second is much the stronger
LEAST_ACCENT = 0.1
BROW_ACCENT = 0.55  # an accent as strong as this lifts the brows as well
BROW_LIFT = np.array([0.42, 0.36, 0.3])  # inner, outer left, outer right
TUNE_PITCH, TUNE_BROW = 1.1, 0.09  # degrees and coefficient at tune 1: the head follows the voice up and down
SETTLE_DEGREES = 1.2  # down at the end of a phrase
QUESTION_ROLL, QUESTION_BROW = 3.4, 0.5  # degrees; share of BROW_LIFT
CHANNELS = indices("headYaw", "headPitch", "headRoll", "browInnerUp", "browOuterUpLeft", "browOuterUpRight")


def energy(arousal: float) -> float:
    """How strongly the body goes along with the voice: 0.6 at arousal 0, 1 at the usual 0.4, 1.6 at 1."""
    return 0.6 + arousal


class Beats:
    """Head and brow motion of the avatar's own speech, seeded. Smooth: all of it passes critically damped springs."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._head, self._brow = Spring(np.zeros(3), HEAD_SETTLE), Spring(np.zeros(3), BROW_SETTLE)
        self._tilt = Spring(np.zeros(3), TILT_SETTLE)
        self._beat, self._lift, self._settle = np.zeros(3), np.zeros(3), np.zeros(3)
        self._since_beat = self._since_lift = math.inf
        self._strength = 0.0  # of the last beat

    def next(self, prosody: Prosody, arousal: float) -> NDArray[np.float32]:
        """What the speech of this tick adds to the face, float32 [59]; arousal 0..1 of the voice scales it."""
        self._beat *= math.exp(-TICK_SECONDS / BEAT_FADE)
        self._lift *= math.exp(-TICK_SECONDS / BROW_FADE)
        self._settle *= math.exp(-TICK_SECONDS / TILT_FADE)
        self._since_beat += TICK_SECONDS
        self._since_lift += TICK_SECONDS
        accent = prosody.accent * energy(arousal)
        if accent > LEAST_ACCENT and (self._since_beat > BEAT_WAIT or accent > 2.0 * self._strength):
            aside = self._rng.standard_normal(3) * 0.7
            aside[1] = -self._rng.uniform(0.6, 1.2)
            self._beat, self._strength = accent * BEAT_DEGREES * aside, accent
            self._since_beat = 0.0
        if accent > BROW_ACCENT and self._since_lift > BROW_WAIT:
            self._lift = min(accent, 1.0) * BROW_LIFT * self._rng.uniform(0.6, 1.0, 3)
            self._since_lift = 0.0
        if prosody.phrase_ended:
            self._end_phrase(prosody.question)
        tune = prosody.tune * prosody.speaking * energy(arousal)
        head = self._head.next(self._beat + np.array([0.0, TUNE_PITCH * tune, 0.0])) + self._tilt.next(self._settle)
        brow = self._brow.next(self._lift + TUNE_BROW * max(tune, 0.0))
        face = np.zeros(FACE_SIZE, np.float32)
        face[CHANNELS] = np.concatenate([head, np.maximum(brow, 0.0)])
        return face

    def _end_phrase(self, question: bool) -> None:
        if question:
            side = 1.0 if self._rng.uniform() < 0.5 else -1.0
            self._settle = np.array([0.0, 0.5, QUESTION_ROLL * side])
            self._lift = QUESTION_BROW * BROW_LIFT
        else:
            self._settle = np.array([0.0, -SETTLE_DEGREES * self._rng.uniform(0.4, 1.0), 0.0])
