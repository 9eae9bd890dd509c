"""What a page may say on the data channel: JSON, small, checked before anything is done with it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bithuman_core.clock import Clock
from bithuman_core.types import Emotion

MAX_MESSAGE = 1024  # characters
BURST, PER_SECOND = 40, 20  # messages; a slider that is dragged sends some ten a second
MAX_NAME = 64

TOO_LARGE = f"The page sent a message of more than {MAX_MESSAGE} characters: reload it."
NOT_UNDERSTOOD = "The page sent a message that this server does not understand: reload it."
TOO_MANY = "That was too quick for the server: wait a second."


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Here(_Message):
    """The page is still there (sent every other second, for a page without a microphone sends nothing else)."""

    type: Literal["here"]


class Feel(_Message):
    """Show an emotion from now on."""

    type: Literal["emotion"]
    emotion: Annotated[Emotion, Field(strict=False)]


class Calm(_Message):
    """Be this still, 0..1."""

    type: Literal["stillness"]
    stillness: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=False)]


class Perform(_Message):
    """Play a gesture once."""

    type: Literal["gesture"]
    gesture: Annotated[str, Field(max_length=MAX_NAME)]


class Say(_Message):
    """Speak a clip that the page has sent or had made."""

    type: Literal["say"]
    clip: Annotated[str, Field(max_length=MAX_NAME)]


class Hush(_Message):
    """Stop speaking."""

    type: Literal["hush"]


Message = Here | Feel | Calm | Perform | Say | Hush
_ADAPTER: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])


class Misunderstood(Exception):
    """A message that is left out; the text is the sentence for the visitor."""


def parse(text: object) -> Message:
    """Read one message. Raises Misunderstood."""
    if not isinstance(text, str):
        raise Misunderstood(NOT_UNDERSTOOD)
    if len(text) > MAX_MESSAGE:
        raise Misunderstood(TOO_LARGE)
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        raise Misunderstood(NOT_UNDERSTOOD) from error


class Allowance:
    """So many at once, and so many more each second (a token bucket)."""

    def __init__(self, clock: Clock, burst: float = BURST, per_second: float = PER_SECOND) -> None:
        self._clock, self._burst, self._per_second = clock, burst, per_second
        self._left, self._then = burst, clock.now()

    def take(self) -> bool:
        """Whether one more is allowed now; counts it."""
        now = self._clock.now()
        self._left = min(self._burst, self._left + self._per_second * (now - self._then))
        self._then = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
