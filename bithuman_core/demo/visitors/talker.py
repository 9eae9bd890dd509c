"""A visitor's talk with the avatar: it outlives connections, and the page reads what was said."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bithuman_core.conversation import Brain, History, Line, Role
from bithuman_core.conversation.realtime import RealtimeAddress
from bithuman_core.conversation.talk import Voice
from bithuman_core.ears import Transcriber, TurnDetector
from bithuman_core.fastrtc.live_session import LiveSession
from bithuman_core.fastrtc.talking import LiveTalk
from bithuman_core.imx import Manifest
from bithuman_core.settings import settings
from bithuman_core.types import Emotion

SHOWN = 100  # lines on the page
ROLES = {"user": "user", "avatar": "assistant"}  # of Gradio's chatbot


@dataclass(frozen=True, slots=True)
class TalkParts:
    """What all talks of a server share. ears, turns: None where only typed words are answered."""

    brain: Brain | RealtimeAddress
    voice: Voice
    ears: Transcriber | None
    turns: Callable[[], TurnDetector] | None
    work: Callable[[Callable[[], Any]], Awaitable[Any]]
    greeting: str | None = None


class Talker:
    """One visitor's. ``feel`` shows an emotion from now on."""

    def __init__(self, parts: TalkParts, feel: Callable[[Emotion], None]) -> None:
        self._parts, self._feel = parts, feel
        self._history, self._lines = History(), deque[dict[str, str]](maxlen=SHOWN)
        self._live: LiveTalk | None = None
        self._greeted = False
        self._role, self._by_key, self._pause = Role(), False, settings().turn_pause

    @property
    def lines(self) -> list[dict[str, str]]:
        """What was said, for Gradio's chatbot: {"role": "user" or "assistant", "content": text}."""
        return list(self._lines)

    @property
    def live(self) -> bool:
        """Whether a session is talked in."""
        return self._live is not None

    def begin(self, session: LiveSession) -> None:
        """Talk in this session."""
        parts = self._parts
        turns = parts.turns() if parts.turns is not None and parts.ears is not None else None
        live = LiveTalk(session, parts.brain, parts.voice, parts.ears, turns, parts.work, self._feel, self._history, self._note)
        self._live = live
        live.talk.role = self._role
        live.talk.by_key(self._by_key)
        live.talk.end_turns_after(self._pause)
        if parts.greeting and not self._greeted:
            self._greeted = True
            live.talk.greet(parts.greeting)

    async def end(self) -> None:
        """The session is not talked in any more."""
        live, self._live = self._live, None
        if live is not None:
            await live.end()

    def play(self, manifest: Manifest) -> None:
        """Be another avatar from now on."""
        self.be(Role(manifest.persona, tuple(sorted(manifest.gestures))))

    def be(self, role: Role) -> None:
        """Be somebody else from now on."""
        self._role = role
        if self._live is not None:
            self._live.talk.role = role

    def by_key(self, on: bool) -> None:
        """Whether one talks while a key is held down alone."""
        self._by_key = on
        if self._live is not None:
            self._live.talk.by_key(on)

    def end_turns_after(self, seconds: float) -> None:
        """How long a pause ends a turn, from now on."""
        self._pause = seconds
        if self._live is not None:
            self._live.talk.end_turns_after(seconds)

    def press(self) -> None:
        """The key goes down."""
        if self._live is not None:
            self._live.talk.press()

    def let_go(self) -> None:
        """It goes up."""
        if self._live is not None:
            self._live.talk.let_go()

    def forget(self) -> None:
        """Begin anew: nothing was said."""
        if self._live is not None:
            self._live.talk.forget()
        self._history.clear()
        self._lines.clear()

    def read(self, text: str) -> None:
        """Typed words."""
        if self._live is not None:
            self._live.talk.read(text)

    def say(self, text: str) -> None:
        """Say something of one's own accord; what is being said ends."""
        if self._live is not None:
            self._live.talk.greet(text)

    def left(self) -> tuple[str, int]:
        """What is being said, from the present sentence on, and how many samples of that were heard."""
        return ("", 0) if self._live is None else self._live.left()

    def say_on(self, text: str, played: int) -> None:
        """Say the rest of something that was begun elsewhere."""
        if self._live is not None:
            self._live.talk.go_on(text, played)

    def answer(self) -> None:
        """Answer what was said last, where that was the visitor."""
        lines = self._history.lines
        if self._live is not None and lines and lines[-1].who == "user":
            self._live.talk.answer()

    def go_on(self, lines: Sequence[Line]) -> None:
        """Go on with a talk whose lines these are: nobody is greeted again."""
        self._greeted = True
        for line in lines:
            (self._history.hear if line.who == "user" else self._history.say)(line.text)

    def stop(self) -> None:
        """End the answer that is being given."""
        if self._live is not None:
            self._live.talk.interrupt()

    def _note(self, who: str, text: str) -> None:
        if self._lines and self._lines[-1]["role"] == ROLES[who] == "assistant":
            self._lines[-1] = {"role": "assistant", "content": f"{self._lines[-1]['content']} {text}"}
        else:
            self._lines.append({"role": ROLES[who], "content": text})
