"""What a page that shows an avatar may say on the data channel."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from bithuman_core.demo.visitors.messages import ClientMessage, Here, Hush, LetGo, Press

MOST_WORDS = 600  # characters: what somebody writes at a time


class Hello(ClientMessage):
    """The page is live, and hears and sees."""

    type: Literal["hello"]


class Read(ClientMessage):
    """What the visitor has written."""

    type: Literal["read"]
    text: Annotated[str, Field(min_length=1, max_length=MOST_WORDS)]


class ByKey(ClientMessage):
    """Whether the visitor is heard while a button is held down alone."""

    type: Literal["by-key"]
    on: bool


class Bye(ClientMessage):
    """The visit is over."""

    type: Literal["bye"]


EmbedMessage = Hello | Here | Read | ByKey | Press | LetGo | Hush | Bye
EMBED_MESSAGES: TypeAdapter[Any] = TypeAdapter(Annotated[EmbedMessage, Field(discriminator="type")])
