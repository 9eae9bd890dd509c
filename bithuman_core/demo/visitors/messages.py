"""What a page may say on the data channel: JSON, small, checked before anything is done with it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

MAX_MESSAGE = 1024  # characters
MAX_NAME = 64

TOO_LARGE = f"The page sent a message of more than {MAX_MESSAGE} characters: reload it."
NOT_UNDERSTOOD = "The page sent a message that this server does not understand: reload it."
TOO_MANY = "That was too quick for the server: wait a second."


T = TypeVar("T")


class ClientMessage(BaseModel):
    """Base of all messages."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Here(ClientMessage):
    """The page is still there (sent every other second, for a page without a microphone sends nothing else)."""

    type: Literal["here"]


class Say(ClientMessage):
    """Speak a clip that the page has sent or had made."""

    type: Literal["say"]
    clip: Annotated[str, Field(max_length=MAX_NAME)]


class Hush(ClientMessage):
    """Stop speaking."""

    type: Literal["hush"]


class Press(ClientMessage):
    """The key that one talks by goes down."""

    type: Literal["press"]


class LetGo(ClientMessage):
    """It goes up again."""

    type: Literal["let-go"]


Message = Here | Say | Hush | Press | LetGo
_ADAPTER: TypeAdapter[Any] = TypeAdapter(Annotated[Message, Field(discriminator="type")])


class Misunderstood(Exception):
    """A message that is left out; the text is the sentence for the visitor."""


def parse(text: object, adapter: TypeAdapter[T] = _ADAPTER) -> T:
    """Read one message, of those that a page may send. Raises Misunderstood."""
    if not isinstance(text, str):
        raise Misunderstood(NOT_UNDERSTOOD)
    if len(text) > MAX_MESSAGE:
        raise Misunderstood(TOO_LARGE)
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        raise Misunderstood(NOT_UNDERSTOOD) from error
