"""What a talk needs of whoever shows the avatar: a live visit of the page, a room, a test."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from bithuman_core.audio.sound import Sound
from bithuman_core.conversation.brain import Act

State = Literal["listening", "hearing", "thinking", "speaking"]  # hearing: somebody is speaking to it


class Stage(Protocol):
    """Called on the event loop; nothing of it waits."""

    def say(self, sound: Sound) -> None:
        """Speak a sound that may still be growing, from its beginning. At its end somebody calls ``Talk.spoken``."""
        ...

    def hush(self) -> int:
        """Stop speaking at once; returns how many samples of the sound were spoken."""
        ...

    def act(self, act: Act) -> None:
        """Make a gesture, or show an emotion."""
        ...

    def tell(self, kind: str, data: Any) -> None:
        """For the page: ``"state"`` (State), ``"user"`` and ``"avatar"`` (a text), ``"error"`` (a sentence)."""
        ...
