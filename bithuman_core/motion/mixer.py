"""The mixer: speech, prosody, expression, gestures and idle life into one face a tick, without a jump."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bithuman_core.face import FACE_SIZE, HEAD, INDEX, FaceState, indices
from bithuman_core.motion.beat import Beats
from bithuman_core.motion.expression import Expression
from bithuman_core.motion.gaze import aim
from bithuman_core.motion.gesture import Gesture, GesturePlayer
from bithuman_core.motion.idle import IdleLife, Moment
from bithuman_core.motion.lips import LipSeal
from bithuman_core.motion.prosody import Prosody
from bithuman_core.motion.take.frames import MotionFrame
from bithuman_core.motion.take.handover import Handover
from bithuman_core.motion.thinking import Thinking
from bithuman_core.speech.arousal import USUAL
from bithuman_core.speech.net import SpeechTick
from bithuman_core.timing import LOOKAHEAD_TICKS, TICK_SECONDS

RELEASE = 0.55  # what is left, a tick later, of a mouth that was cut off
ANGLES = slice(INDEX["headYaw"], INDEX["headRoll"] + 1)
BESIDE_HEAD = np.ones(FACE_SIZE, bool)
BESIDE_HEAD[HEAD] = False
LIFE = MotionFrame(np.zeros(FACE_SIZE, np.float32), np.zeros(FACE_SIZE, bool), spoken=False)  # what no take drives


class Mixer:
    """Blends everything that moves a face. One per session, seeded.

    mouth_names: the ARKit names of the net's mouth coefficients, in its order. gestures: the clips it may play, by name.
    ``expression`` and ``gestures`` are its levers; ``stillness`` 0..1 calms everything but the speech; ``listening`` tells
    that the user speaks, ``thinking`` that an answer is being looked for. ``gestured``: what gestures add to the head in this
    tick, yaw, pitch, roll, degrees.
    """

    def __init__(self, mouth_names: Sequence[str], seed: int, gestures: Mapping[str, Gesture] | None = None) -> None:
        # one stream of chance each: what one does leaves the others as they were
        idle, expression, beats, player = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(4))
        self.expression = Expression(expression)
        self.gestures = GesturePlayer(gestures or {}, player)
        self.stillness = 0.0
        self.listening = self.thinking = False
        self.gestured = np.zeros(3, np.float32)
        self._mouth = indices(*mouth_names)
        self._idle, self._beats, self._prosody, self._thought = IdleLife(idle), Beats(beats), Prosody(), Thinking()
        self._lips = LipSeal(mouth_names)
        self._spoke = False, False  # the avatar, the user
        # A take is laid over: the mouth of one that only speaks before life is added to it, the head before the eyes are aimed
        self._spoken, self._head, self._face = Handover(FACE_SIZE, rise=0), Handover(HEAD.stop - HEAD.start), Handover(FACE_SIZE)
        self._made = 0  # ticks
        self._shown = np.zeros(len(mouth_names), np.float32)
        self._release = np.zeros(len(mouth_names), np.float32)
        self._angles: list[float] | None = None
        self._head_speed = 0.0
        self._arousal = USUAL

    @property
    def speaking(self) -> float:
        """How much the avatar is speaking, 0..1, smooth."""
        return self._prosody.speaking

    @property
    def arousal(self) -> float:
        """How aroused the voice sounds against this speaker's usual (0.4), 0..1, smooth."""
        return self._arousal

    def cut(self) -> None:
        """The speech was interrupted: the mouth closes from where it is, within a few frames."""
        self._release = self._shown.copy()
        self._spoken.forget()
        self._head.hurry()
        self._face.hurry()
        self._prosody.cut()

    def next(self, heard: SpeechTick, samples: NDArray[np.float32], take: MotionFrame | None = None) -> FaceState:
        """The face of the next tick.

        heard: what the net says of it. samples: the newest sound, float32 [640] in -1..1; it may lie some ticks ahead of
        ``heard``, so that head and brows, which need time to move, meet the stressed syllable. take: what a take says of it: one
        that is ``spoken`` stands in for the net's mouth, of any other the channels that it drives are followed to the number.
        """
        seen = self._made > LOOKAHEAD_TICKS  # what came before is thrown away where a clip is rendered
        self._made += 1
        frame = take or LIFE
        speech = np.zeros(FACE_SIZE, np.float32)
        speech[self._mouth] = heard.mouth
        speech = self._spoken.next(speech, frame.values, frame.driven if frame.spoken else LIFE.driven)
        mouth, speech[self._mouth] = speech[self._mouth], 0.0
        driven = LIFE.driven if frame.spoken else frame.driven
        prosody = self._prosody
        prosody.push(samples, heard.voice)
        self._arousal = heard.arousal
        self._cut_gesture(prosody.speaking > 0.5, self.listening)
        closed = self._lips.next(mouth, heard.voice)
        lively = 1.0 - self.stillness
        moment = Moment(prosody.speaking, prosody.phrase_began, prosody.phrase_ended, self.listening, lively)
        values = self._idle.next(moment, self._head_speed)
        expressed = self.expression.next(prosody.speaking, closed, heard.arousal)
        values *= np.float32(self.expression.own)
        values += np.float32(lively) * self._beats.next(prosody, heard.arousal)
        values += expressed
        values += np.float32(lively) * self._thought.next(self.thinking)
        played = self.gestures.next()
        self.gestured = played[ANGLES]
        values += played
        values[HEAD] = self._head.next(values[HEAD], frame.values[HEAD], driven[HEAD], seen)
        aim(values, float(self._idle.gaze[0]), float(self._idle.gaze[1]))
        self._release *= RELEASE
        self._shown = np.maximum(mouth, self._release)
        values[self._mouth] += self._shown
        values += speech  # of the mouth what the net does not move
        values = self._face.next(values, frame.values, driven & BESIDE_HEAD, seen)
        self._note_speed(values[ANGLES].tolist())
        return FaceState(values).clipped()

    def _note_speed(self, angles: list[float]) -> None:
        if self._angles is not None:
            self._head_speed = math.dist(angles, self._angles) / TICK_SECONDS
        self._angles = angles

    def _cut_gesture(self, agent_speaks: bool, user_speaks: bool) -> None:
        """End a gesture that was to stop where somebody begins to speak."""
        agent_begins, user_begins = agent_speaks and not self._spoke[0], user_speaks and not self._spoke[1]
        self._spoke = agent_speaks, user_speaks
        if (agent_begins and self.gestures.stop_on_agent_speech) or (user_begins and self.gestures.stop_on_user_speech):
            self.gestures.cut()
