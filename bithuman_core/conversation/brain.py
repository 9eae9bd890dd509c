"""What every brain is: the talk so far in, words and acts out, as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bithuman_core.types import Emotion


@dataclass(frozen=True, slots=True)
class Line:
    """What one of the two has said."""

    who: Literal["user", "avatar"]
    text: str


@dataclass(frozen=True, slots=True)
class Act:
    """Something that the avatar does beside its words: a gesture or an emotion, by name."""

    kind: Literal["gesture", "emotion"]
    name: str


@dataclass(frozen=True, slots=True)
class Role:
    """Who the avatar is: a persona in plain words ("": whatever the brain is set to), and what it can do beside its words."""

    persona: str = ""
    gestures: tuple[str, ...] = ()
    emotions: tuple[str, ...] = tuple(emotion.value for emotion in Emotion)


class Brain(Protocol):
    """Answers. Shared by all visits: it keeps nothing of a talk."""

    def answer(self, talk: Sequence[Line], role: Role) -> AsyncIterator[str | Act]:
        """Pieces of the answer to the last line, each as soon as it is there. Raises AddressError.

        Whoever stops listening closes the iterator (``aclose``), which ends the request.
        """
        ...
