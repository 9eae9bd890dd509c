"""The mixer: speech, prosody, expression, gestures and idle life into one face a tick, without a jump."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import INDEX, FaceState, indices
from bithuman_core.motion.expression import Expression
from bithuman_core.motion.gesture import Gesture, GesturePlayer
from bithuman_core.motion.idle import IdleLife
from bithuman_core.motion.prosody import Prosody
from bithuman_core.speech.net import SpeechTick
from bithuman_core.speech.visemes import VISEME_NAMES

RELEASE = 0.55  # what is left, a tick later, of a mouth that was cut off
NOD_DEGREES = 1.6  # the head goes down with stress
STRESS_BROW = 0.16
BILABIAL = VISEME_NAMES.index("PP")
BROWS = indices("browInnerUp", "browOuterUpLeft", "browOuterUpRight")


class Mixer:
    """Blends everything that moves a face. One per session, seeded.

    mouth_names: the ARKit names of the net's mouth coefficients, in its order. gestures: the clips it may play, by name.
    ``expression`` and ``gestures`` are its levers; ``stillness`` 0..1 calms everything but the speech; ``listening`` tells
    that the user speaks.
    """

    def __init__(self, mouth_names: Sequence[str], seed: int, gestures: Mapping[str, Gesture] | None = None) -> None:
        rng = np.random.default_rng(seed)
        self.expression = Expression(rng)
        self.gestures = GesturePlayer(gestures or {})
        self.stillness = 0.0
        self.listening = False
        self._mouth = indices(*mouth_names)
        self._idle = IdleLife(rng)
        self._prosody = Prosody()
        self._spoke = False, False  # the avatar, the user
        self._shown = np.zeros(len(mouth_names), np.float32)
        self._release = np.zeros(len(mouth_names), np.float32)

    def _cut_gesture(self, agent_speaks: bool, user_speaks: bool) -> None:
        """End a gesture that was to stop where somebody begins to speak."""
        agent_begins, user_begins = agent_speaks and not self._spoke[0], user_speaks and not self._spoke[1]
        self._spoke = agent_speaks, user_speaks
        if (agent_begins and self.gestures.stop_on_agent_speech) or (user_begins and self.gestures.stop_on_user_speech):
            self.gestures.cut()

    @property
    def speaking(self) -> float:
        """How much the avatar is speaking, 0..1, smooth."""
        return self._prosody.speaking

    def cut(self) -> None:
        """The speech was interrupted: the mouth closes from where it is, within a few frames."""
        self._release = self._shown.copy()

    def next(self, heard: SpeechTick, samples: NDArray[np.float32]) -> FaceState:
        """The face of the next tick. heard: what the net says of it; samples: its sound, float32 [640] in -1..1."""
        self._prosody.push(samples, heard.voice)
        speaking, stress = self._prosody.speaking, self._prosody.stress
        self._cut_gesture(speaking > 0.5, self.listening)
        closed = float(heard.visemes[BILABIAL]) * speaking
        lively = 1.0 - self.stillness
        values = self._idle.next(speaking, self._prosody.phrase_ended, self.listening, lively)
        values += self.expression.next(speaking, closed)
        values += self.gestures.next()
        values[INDEX["headPitch"]] -= NOD_DEGREES * stress * lively
        values[BROWS] += STRESS_BROW * max(stress, 0.0) * lively
        self._release *= RELEASE
        self._shown = np.maximum(heard.mouth, self._release)
        values[self._mouth] += self._shown
        return FaceState(values).clipped()
