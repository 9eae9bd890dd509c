"""Where the eyes look: at the viewer's eyes and mouth, with small quick saccades, and now and then aside."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import INDEX, indices
from bithuman_core.timing import TICK_SECONDS

# eyeballs turn by these angles at coefficient 1 (the bake's convention, close to ARKit's)
EYE_YAW, EYE_UP, EYE_DOWN = 25.0, 20.0, 22.0  # degrees
VIEWER_CONVERGENCE = 0.12  # eyeLookIn of both eyes that meets a viewer in front of the screen
VIEWER = np.array([[-2.2, 0.4], [2.2, 0.4], [0.0, -2.0]])  # the viewer's eyes and mouth from half a metre, degrees
VIEWER_SHARE = (0.4, 0.4, 0.2)
FIXATION_MEDIAN, FIXATION_SIGMA = 1.0, 0.55  # s, log-normal
ATTENTIVE = 1.6  # a listener's fixations are that much longer
GLANCE_CHANCE, SPEAKING_GLANCE_CHANCE = 0.11, 0.17  # of the saccades, when nobody and when the avatar speaks
BEGIN_GLANCE_CHANCE = 0.3  # talkers look away as they begin, and back as they end (Kendon 1967)
GLANCE_YAW, GLANCE_PITCH = (5.0, 13.0), (-7.0, 4.0)  # degrees
DWELL = (0.4, 1.1)  # s
AGAIN_CHANCE = 0.3  # of a second fixation aside before the eyes come back
MICRO_WAIT, MICRO_DEGREES = 0.5, 0.25  # fixational saccades: mean wait, standard deviation
SACCADE_SECONDS = 0.06  # the main sequence gives 30-60 ms for such amplitudes
WAYS = ("eyeLookOutLeft", "eyeLookInLeft", "eyeLookOutRight", "eyeLookInRight")
UP, DOWN = indices("eyeLookUpLeft", "eyeLookUpRight"), indices("eyeLookDownLeft", "eyeLookDownRight")
LOOKS = np.concatenate([indices(*WAYS), UP, DOWN])


class Gaze:
    """Where both eyes look relative to straight at the viewer, seeded."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._from = self._to = self._place = np.zeros(2)
        self._age = 0.0
        self._wait = self._fixation()
        self.aside = False  # whether it rests beside the viewer
        self.shift = 0.0  # how far a saccade goes that began with the last tick, degrees

    def _fixation(self) -> float:
        return min(max(FIXATION_MEDIAN * math.exp(FIXATION_SIGMA * self._rng.standard_normal()), 0.25), 4.0)

    @property
    def place(self) -> NDArray[np.float64]:
        """What is looked at: yaw and pitch in degrees, without the small saccades around it."""
        return self._place

    def look_away(self) -> None:
        """The speech begins: perhaps the eyes go aside."""
        if not self.aside and self._rng.uniform() < BEGIN_GLANCE_CHANCE:
            self._glance()

    def look_back(self) -> None:
        """The speech ends: the eyes return to the viewer."""
        if self.aside:
            self._wait = min(self._wait, float(self._rng.uniform(0.0, 0.3)))

    def next(self, speaking: float = 0.0, attention: float = 0.0) -> NDArray[np.float64]:
        """(yaw, pitch) in degrees at the next tick; yaw + looks to image right, pitch + looks up.

        speaking and attention 0..1: talkers look away more, listeners hardly ever.
        """
        self.shift = 0.0
        self._age += TICK_SECONDS
        self._wait -= TICK_SECONDS / (1.0 + (ATTENTIVE - 1.0) * attention)
        if self._wait <= 0.0:
            chance = AGAIN_CHANCE if self.aside else GLANCE_CHANCE + (SPEAKING_GLANCE_CHANCE - GLANCE_CHANCE) * speaking
            if self._rng.uniform() < chance * (1.0 - attention):
                self._glance()
            else:
                self.aside = False
                self._saccade(VIEWER[self._rng.choice(3, p=VIEWER_SHARE)], self._fixation())
        elif self._age > SACCADE_SECONDS and self._rng.uniform() < TICK_SECONDS / MICRO_WAIT:
            self._move(self._place + MICRO_DEGREES * self._rng.standard_normal(2))
        return self._at()

    def _glance(self) -> None:
        side = -1.0 if self._rng.uniform() < 0.5 else 1.0
        if self.aside:
            side = math.copysign(1.0, self._place[0])
        self.aside = True
        place = np.array([side * self._rng.uniform(*GLANCE_YAW), self._rng.uniform(*GLANCE_PITCH)])
        self._saccade(place, float(self._rng.uniform(*DWELL)))

    def _saccade(self, place: NDArray[np.float64], wait: float) -> None:
        self.shift = float(np.hypot(*(place - self._place)))
        self._place, self._wait = place, wait
        self._move(place)

    def _move(self, to: NDArray[np.float64]) -> None:
        self._from, self._to, self._age = self._at(), to, 0.0

    def _at(self) -> NDArray[np.float64]:
        t = min(self._age / SACCADE_SECONDS, 1.0)
        return self._from + (self._to - self._from) * (t * t * (3.0 - 2.0 * t))


def aim(face: NDArray[np.float32], yaw: float, pitch: float) -> None:
    """Turn the eyes of a face (float32 [59]) to a gaze given in degrees relative to the viewer.

    The eyes turn against the head, so that the gaze holds while the head moves. What the face's eyeLook coefficients held before
    (of gestures and expressions) counts as gaze relative to the viewer, too.
    """
    out_left, in_left, out_right, in_right = (float(face[INDEX[name]]) for name in WAYS)
    yaw += 0.5 * EYE_YAW * (out_left - in_left + in_right - out_right) - float(face[INDEX["headYaw"]])
    pitch += EYE_UP * 0.5 * sum(face[UP].tolist()) - EYE_DOWN * 0.5 * sum(face[DOWN].tolist()) - float(face[INDEX["headPitch"]])
    face[LOOKS] = 0.0
    turn = yaw / EYE_YAW  # + to image right, which is outwards for the character's left eye
    for out, inwards, value in (("eyeLookOutLeft", "eyeLookInLeft", turn), ("eyeLookOutRight", "eyeLookInRight", -turn)):
        value -= VIEWER_CONVERGENCE
        face[INDEX[out]], face[INDEX[inwards]] = max(value, 0.0), max(-value, 0.0)
    face[UP], face[DOWN] = max(pitch / EYE_UP, 0.0), max(-pitch / EYE_DOWN, 0.0)
