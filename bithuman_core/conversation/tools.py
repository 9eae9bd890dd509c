"""What a brain may ask of your program: a Python function that it can call by name."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

logger = logging.getLogger(__name__)

BROKEN = "That did not work: say so in one sentence."
LONGEST = 4000  # characters of a result: the rest is left out


@dataclass(frozen=True, slots=True)
class Tool:
    """A function, what it does, and what it takes."""

    name: str
    description: str
    takes: type[BaseModel]
    function: Callable[..., Any]

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Tool:
        """A function with annotated parameters and a docstring, which the model reads. Raises ValueError where they lack."""
        name, said = function.__name__, inspect.getdoc(function)
        if not said:
            raise ValueError(f"{name} cannot be a tool: give it a docstring that tells the model what it does.")
        hints, fields = get_type_hints(function), dict[str, Any]()
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or parameter.name not in hints:
                raise ValueError(f"{name} cannot be a tool: annotate its parameter {parameter.name!r}.")
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[parameter.name] = (hints[parameter.name], default)
        takes = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
        return cls(name, said, takes, function)

    def call(self, arguments: str) -> str:
        """What it says to arguments that a model has written (JSON): text, or a sentence about what is wrong with them.

        Runs in the thread that it is called in. Where it raises, the log is told why, and the model that it did not work.
        """
        try:
            given = self.takes.model_validate_json(arguments or "{}")
        except ValidationError as error:
            first = error.errors()[0]
            return f"Wrong arguments: {'.'.join(map(str, first['loc'])) or 'all'}: {first['msg']}."
        try:
            result = self.function(**{name: getattr(given, name) for name in type(given).model_fields})
        except Exception:  # of any kind: it is the host's own program
            logger.exception("The tool %s broke.", self.name)
            return BROKEN
        text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)
        return text[:LONGEST]

    @property
    def schema(self) -> dict[str, Any]:
        """As OpenAI's API takes it."""
        return {
            "type": "function",
            "function": {"name": self.name, "description": self.description, "parameters": self.takes.model_json_schema()},
        }
