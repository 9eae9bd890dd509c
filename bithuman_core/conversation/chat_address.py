"""A brain at an address: any service with OpenAI's ``/chat/completions`` (OpenAI, Ollama, llama.cpp, vLLM, LM Studio)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bithuman_core.addresses import Address, what_failed
from bithuman_core.conversation.brain import Act, Line
from bithuman_core.errors import AddressError

SECONDS = 30.0  # longest silence of the service
ROUNDS = 3  # requests for one answer: a model that only acts is asked again for its words
MANNER = (
    "You talk with somebody through a microphone and loudspeaker: answer in one to three short spoken sentences, without lists, "
    "Markdown, code or emojis, in the language that you are spoken to."
)


@dataclass(frozen=True, slots=True)
class ChatAddress:
    """The address, who the avatar is (a persona in plain words), and the gestures and emotions that it can show."""

    address: Address
    persona: str = ""
    gestures: Sequence[str] = ()
    emotions: Sequence[str] = ()
    rounds: int = field(default=ROUNDS)

    async def answer(self, talk: Sequence[Line]) -> AsyncIterator[str | Act]:
        """As of ``Brain``."""
        import openai

        messages: list[dict[str, Any]] = [{"role": "system", "content": f"{self.persona}\n\n{MANNER}".strip()}]
        messages += [{"role": "user" if line.who == "user" else "assistant", "content": line.text} for line in talk]
        async with openai.AsyncOpenAI(**self.address.options(SECONDS)) as client:
            try:
                for _ in range(self.rounds):
                    spoken, calls = False, dict[int, dict[str, str]]()
                    async for piece in self._stream(client, messages, calls):
                        spoken = True
                        yield piece
                    for act in filter(None, map(self._act, calls.values())):
                        yield act
                    if spoken or not calls:
                        return
                    messages += _answered(calls)
            except openai.OpenAIError as error:
                raise AddressError(what_failed(error, self.address, "brain")) from None

    async def _stream(self, client: Any, messages: list[dict[str, Any]], calls: dict[int, dict[str, str]]) -> AsyncIterator[str]:
        """The words of one request; what it calls is put into ``calls``."""
        tools = self._tools()
        stream = await client.chat.completions.create(
            model=self.address.model, messages=messages, stream=True, **({"tools": tools} if tools else {})
        )
        async with stream:
            async for chunk in stream:
                delta = chunk.choices[0].delta if chunk.choices else None
                if delta is None:
                    continue
                for call in delta.tool_calls or ():
                    known = calls.setdefault(call.index, {"id": "", "name": "", "arguments": ""})
                    known["id"] = call.id or known["id"] or f"call{call.index}"
                    if call.function is not None:
                        known["name"] += call.function.name or ""
                        known["arguments"] += call.function.arguments or ""
                if delta.content:
                    yield delta.content

    def _tools(self) -> list[dict[str, Any]]:
        offered = (
            ("gesture", self.gestures, "Make a gesture while you speak."),
            ("emotion", self.emotions, "Show an emotion from now on."),
        )
        return [
            {
                "type": "function",
                "function": {
                    "name": kind,
                    "description": what,
                    "parameters": {
                        "type": "object",
                        "properties": {"name": {"type": "string", "enum": list(names)}},
                        "required": ["name"],
                    },
                },
            }
            for kind, names, what in offered
            if names
        ]

    def _act(self, call: dict[str, str]) -> Act | None:
        """What a call asks for; None where the avatar cannot do it: models make names up."""
        try:
            given = json.loads(call["arguments"] or "{}")
        except ValueError:
            return None
        name = given.get("name") if isinstance(given, dict) else None
        if call["name"] == "gesture" and name in self.gestures:
            return Act("gesture", str(name))
        if call["name"] == "emotion" and name in self.emotions:
            return Act("emotion", str(name))
        return None


def _answered(calls: dict[int, dict[str, str]]) -> list[dict[str, Any]]:
    """The calls and their results, as the next request tells them."""
    made = [
        {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"] or "{}"}}
        for call in calls.values()
    ]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "done; now speak"} for call in calls.values()]
    return [{"role": "assistant", "content": None, "tool_calls": made}, *results]
