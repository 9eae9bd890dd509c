"""What a page may say on the data channel: JSON, small, checked before anything is done with it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

MAX_MESSAGE = 1024  # characters
MAX_NAME = 64

TOO_LARGE = f"The page sent a message of more than {MAX_MESSAGE} characters: reload it."
NOT_UNDERSTOOD = "The page sent a message that this server does not understand: reload it."
TOO_MANY = "That was too quick for the server: wait a second."


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Here(_Message):
    """The page is still there (sent every other second, for a page without a microphone sends nothing else)."""

    type: Literal["here"]


class Say(_Message):
    """Speak a clip that the page has sent or had made."""

    type: Literal["say"]
    clip: Annotated[str, Field(max_length=MAX_NAME)]


class Hush(_Message):
    """Stop speaking."""

    type: Literal["hush"]


class Press(_Message):
    """The key that one talks by goes down."""

    type: Literal["press"]


class LetGo(_Message):
    """It goes up again."""

    type: Literal["let-go"]


Message = Here | Say | Hush | Press | LetGo
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
