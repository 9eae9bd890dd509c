"""Idle life: posture, breath, gaze, blinks, small expressions. Everything that moves when nothing is said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import BREATH, INDEX, indices
from bithuman_core.motion.blink import PHRASE_END_CHANCE, Blinks
from bithuman_core.motion.breath import Breath
from bithuman_core.motion.gaze import Gaze
from bithuman_core.motion.listening import Listening
from bithuman_core.motion.microexpression import Microexpressions
from bithuman_core.motion.posture import Posture

BREATH_HEIGHT, BREATH_PITCH = 0.004, 0.35  # face widths, degrees: how the head rides on full lungs
FAR = 6.0  # degrees: a saccade as far as this takes the head along and often comes with a blink (Evinger et al. 1994)
SHIFT_BLINK_CHANCE = 0.4
FAST_HEAD = 30.0  # degrees a second: lids like to close in quick turns
TURN_BLINK_CHANCE = 0.15  # a tick
BEGIN_SHIFT_CHANCE = 0.6  # of another posture where a phrase begins
BLINK_BROW, BLINK_CHEEK = 0.05, 0.1  # brows and cheeks go a little with the lids
LIDS = indices("eyeBlinkLeft", "eyeBlinkRight")
BLINK_SHAPES = indices("browDownLeft", "browDownRight", "cheekSquintLeft", "cheekSquintRight")
BLINK_AMOUNT = np.array([BLINK_BROW, BLINK_BROW, BLINK_CHEEK, BLINK_CHEEK], np.float32)
HELD = indices("headYaw", "headPitch", "headRoll", "headX", "headZ")


@dataclass(slots=True)
class Moment:
    """What idle life must know of the speech in a tick."""

    speaking: float = 0.0  # 0..1, smooth
    phrase_began: bool = False
    phrase_ended: bool = False
    listening: bool = False
    lively: float = 1.0  # 0..1 scales all but breath and blinks


class IdleLife:
    """The face of someone who is awake, one tick after the other, never repeating, seeded.

    After :meth:`next`, ``gaze`` holds where the eyes look: (yaw, pitch) in degrees relative to the viewer, for
    :func:`bithuman_core.motion.gaze.aim`.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        own = iter(rng.spawn(7))  # a stream of chance each: what disturbs one leaves the others as they were
        self._blinks, self._breath, self._gaze = Blinks(next(own)), Breath(next(own)), Gaze(next(own))
        self._posture, self._micro, self._listening = Posture(next(own)), Microexpressions(next(own)), Listening(next(own))
        self._rng = next(own)
        self.gaze = np.zeros(2)

    def next(self, moment: Moment, head_speed: float = 0.0) -> NDArray[np.float32]:
        """The idle face at the next tick, float32 [59], eyes straight ahead. head_speed: of the whole face, degrees a second."""
        self._react(moment)
        face = np.float32(moment.lively) * (self._micro.next() + self._listening.next(moment.listening))
        attention = self._listening.attention
        gaze = self._gaze.next(moment.speaking, attention)
        if self._gaze.shift > FAR:
            self._blinks.soon(SHIFT_BLINK_CHANCE, 0.04)
            if self._gaze.aside:
                self._posture.follow(self._gaze.place)
        if head_speed > FAST_HEAD:
            self._blinks.soon(TURN_BLINK_CHANCE, 0.04)
        self.gaze = moment.lively * gaze
        face[HELD] += moment.lively * (1.0 - 0.5 * attention) * self._posture.next(moment.speaking)
        lungs = self._breath.next()
        face[INDEX[BREATH]] = lungs
        face[INDEX["headY"]] -= BREATH_HEIGHT * lungs
        face[INDEX["headPitch"]] += BREATH_PITCH * lungs * moment.lively
        lids = self._blinks.next(moment.speaking)
        face[LIDS] = lids
        face[BLINK_SHAPES] += lids * BLINK_AMOUNT
        return face

    def _react(self, moment: Moment) -> None:
        if moment.phrase_began:
            self._breath.phrase_began()
            self._gaze.look_away()
            if self._rng.uniform() < BEGIN_SHIFT_CHANCE:
                self._posture.shift()
        if moment.phrase_ended:
            self._breath.phrase_ended()
            self._gaze.look_back()
            self._blinks.soon(PHRASE_END_CHANCE, 0.25)
