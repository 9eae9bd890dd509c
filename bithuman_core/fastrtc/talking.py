"""A talk in a live visit: the microphone goes to the talk, its answers are clips of the session."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bithuman_core.audio.sound import Sound
from bithuman_core.conversation.brain import Act, Brain
from bithuman_core.conversation.history import History
from bithuman_core.conversation.realtime import RealtimeAddress, RealtimeTalk
from bithuman_core.conversation.talk import Talk, Voice
from bithuman_core.ears.transcriber import Transcriber
from bithuman_core.ears.turns import TurnDetector
from bithuman_core.fastrtc.clip_queue import Clip
from bithuman_core.fastrtc.live_session import LiveSession
from bithuman_core.timing import SAMPLE_RATE
from bithuman_core.types import Emotion

NAME = "an answer"
LOOKAHEAD = 1280  # samples: the avatar says them 80 ms after they were taken


class LiveTalk:
    """A talk's stage in one session, and the session's listener. ``end`` before another one takes its place."""

    def __init__(
        self,
        session: LiveSession,
        brain: Brain | RealtimeAddress,
        voice: Voice,
        ears: Transcriber | None,
        turns: TurnDetector | None,
        work: Callable[[Callable[[], Any]], Awaitable[Any]],
        feel: Callable[[Emotion], None],
        history: History | None = None,
        note: Callable[[str, str], None] = lambda who, text: None,
    ) -> None:
        """brain: one at a Realtime address hears and speaks by itself, and needs no ears and turns. note: is told
        who ("user", "avatar") says what, sentence by sentence."""
        self.talk: Talk | RealtimeTalk = (
            RealtimeTalk(self, brain, voice, work, history)
            if isinstance(brain, RealtimeAddress)
            else Talk(self, brain, voice, ears, turns, work, history)
        )
        self._session, self._feel, self._note = session, feel, note
        self._clip: Clip | None = None
        self._told = 0  # samples of it whose words were told
        session.listener = self

    async def end(self) -> None:
        """The session listens to itself again."""
        if self._session.listener is self:
            self._session.listener = None
        await self.talk.close()

    # -- of the session -----------------------------------------------------------------------------------------------
    def hear(self, samples: NDArray[np.int16]) -> None:
        """Sound of the microphone."""
        self.talk.hear(samples)

    def plays(self, voice: NDArray[np.int16]) -> None:
        """Sound that goes to the visitor's loudspeaker."""
        self.talk.plays(voice)

    def said(self, key: str) -> None:
        """A clip was spoken to its end."""
        clip = self._clip
        if clip is not None and clip.key == key:
            self._clip = None
            self.talk.spoken(clip.sound)

    # -- of the talk --------------------------------------------------------------------------------------------------
    def say(self, sound: Sound) -> None:
        """Speak a sound that may still grow."""
        self._clip = Clip(secrets.token_urlsafe(8), NAME, sound)
        self._told = sound.samples.size
        self._session.say(self._clip)

    def hush(self) -> int:
        """Stop at once."""
        self._clip = None
        return max(self._session.hush() - LOOKAHEAD, 0)

    def left(self) -> tuple[str, int]:
        """What the avatar is saying: the text from the present sentence on, and how much of that was heard (samples)."""
        return ("", 0) if self._clip is None else self.talk.left(max(self._session.spoken - LOOKAHEAD, 0))

    def act(self, act: Act) -> None:
        """Make a gesture, or show an emotion."""
        if act.kind == "gesture":
            self._session.do(lambda engine: engine.perform(act.name))
        else:
            self._feel(Emotion(act.name))

    def tell(self, kind: str, data: Any) -> None:
        """A message to the page: {type: "talk", data: {kind: data}}; faults as all faults are told.

        With what the avatar says comes ``at``: s from the beginning of the answer's sound to that of the words.
        """
        if kind == "error":
            self._session.tell("error", data)
            return
        if kind == "state":
            self._session.do(lambda engine: engine.attend(data == "hearing", data == "thinking"))
        else:
            self._note(kind, data)
        self._session.tell("talk", {kind: data, **({"at": self._caught_up()} if kind == "avatar" else {})})

    def _caught_up(self) -> float:
        """Where in the sound the words begin that are told now; of the next ones it is where it ends now."""
        if self._clip is None:  # the first words of an answer come before its sound
            return 0.0
        at, self._told = self._told, self._clip.sound.samples.size
        return round(at / SAMPLE_RATE, 2)
