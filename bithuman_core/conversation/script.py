"""A brain without a model: a YAML file says what is answered to which words. For kiosks, and where nothing else is.

    greeting: Hello, how can I help you?
    intents:
      - when: [opening hours, open, close]
        say: We are open from nine to five.
        gesture: nod
    otherwise: I did not get that. Ask me about opening hours.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bithuman_core.conversation.brain import Act, Line, Role
from bithuman_core.errors import AddressError

LARGEST = 2**20  # bytes


class Intent(BaseModel):
    """Words or phrases, and what is answered where one of them is heard."""

    model_config = ConfigDict(extra="forbid", strict=True)

    when: list[str] = Field(min_length=1, max_length=1000)
    say: str
    gesture: str | None = None
    emotion: str | None = None


class Script(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    intents: list[Intent] = Field(default_factory=list, max_length=10_000)
    otherwise: str = "I did not get that. Please say it in other words."
    greeting: str | None = None


@dataclass(frozen=True, slots=True)
class ScriptedBrain:
    """Answers with the intent whose longest phrase is heard; of equally long ones the first."""

    script: Script

    @classmethod
    def read(cls, path: str | Path) -> ScriptedBrain:
        """Raises AddressError where the file is missing or is no script, with the place in it."""
        import yaml

        file = Path(path)
        try:
            content = file.read_bytes()
        except OSError as error:
            raise AddressError(f"The script {file.name!r} cannot be read ({error.strerror}): give a YAML file.") from None
        if len(content) > LARGEST:
            raise AddressError(f"The script {file.name!r} is larger than 1 MiB: shorten it.")
        try:
            given: Any = yaml.safe_load(content)
            return cls(Script.model_validate(given))
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise AddressError(f"The script {file.name!r} cannot be used: {_where(error)}.") from None

    async def answer(self, talk: Sequence[Line], role: Role) -> AsyncIterator[str | Act]:
        """As of ``Brain``."""
        heard = f" {_words(talk[-1].text)} " if talk else " "
        found, length = None, 0
        for intent in self.script.intents:
            phrases = filter(None, map(_words, intent.when))
            longest = max((len(phrase) for phrase in phrases if f" {phrase} " in heard), default=0)
            if longest > length:
                found, length = intent, longest
        if found is None:
            yield self.script.otherwise
            return
        if found.emotion:
            yield Act("emotion", found.emotion)
        if found.gesture:
            yield Act("gesture", found.gesture)
        yield found.say


def _words(text: str) -> str:
    """Words without marks, accents and capitals, one space between them."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.sub(r"[^\w\s]", "", "".join(letter for letter in plain if not unicodedata.combining(letter))).split())


def _where(error: Exception) -> str:
    """Which part of a script is wrong."""
    import yaml

    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        return f"{place}: {first['msg'][:1].lower()}{first['msg'][1:]}"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1} is no YAML ({error.problem})"
    return "it is no YAML"
