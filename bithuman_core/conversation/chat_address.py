"""A brain at an address: any service with OpenAI's ``/chat/completions`` (OpenAI, Ollama, llama.cpp, vLLM, LM Studio)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bithuman_core.addresses import Address, what_failed
from bithuman_core.conversation.brain import Act, Line, Role
from bithuman_core.conversation.role_tools import act_of, role_tools
from bithuman_core.conversation.tools import Tool
from bithuman_core.errors import AddressError

SECONDS = 30.0  # longest silence of the service
ROUNDS = 5  # requests for one answer: a model that calls something is asked again for its words
MANNER = (
    "You talk with somebody through a microphone and loudspeaker: answer in one to three short spoken sentences, without lists, "
    "Markdown, code or emojis, in the language that you are spoken to."
)


Call = dict[str, str]  # id, name, arguments


@dataclass(frozen=True, slots=True)
class ChatAddress:
    """The address, what the host says of all its avatars (a role says more), and what the model may ask of the program."""

    address: Address
    persona: str = ""
    tools: tuple[Tool, ...] = ()
    rounds: int = field(default=ROUNDS)

    async def answer(self, talk: Sequence[Line], role: Role) -> AsyncIterator[str | Act]:
        """As of ``Brain``."""
        import openai

        who = "\n\n".join(filter(None, (self.persona, role.persona, MANNER)))
        messages: list[dict[str, Any]] = [{"role": "system", "content": who}]
        messages += [{"role": "user" if line.who == "user" else "assistant", "content": line.text} for line in talk]
        offered = [*role_tools(role), *(tool.schema for tool in self.tools)]
        async with self.address.async_client(SECONDS) as client:
            try:
                for _ in range(self.rounds):
                    spoken, calls = "", dict[int, Call]()
                    async for piece in self._stream(client, messages, offered, calls):
                        spoken += piece
                        yield piece
                    results = list[str | None]()
                    for call in calls.values():
                        if (act := act_of(role, call["name"], call["arguments"])) is not None:
                            yield act
                        results.append(await self._result(call))
                    if not calls or (spoken and not any(results)):
                        return
                    if spoken:
                        yield " "
                    messages += _answered(spoken, list(calls.values()), results)
            except openai.OpenAIError as error:
                raise AddressError(what_failed(error, self.address, "brain")) from None

    async def _stream(
        self, client: Any, messages: list[dict[str, Any]], offered: list[dict[str, Any]], calls: dict[int, Call]
    ) -> AsyncIterator[str]:
        """The words of one request; what it calls is put into ``calls``."""
        options = {"tools": offered} if offered else {}
        stream = await client.chat.completions.create(model=self.address.model, messages=messages, stream=True, **options)
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

    async def _result(self, call: Call) -> str | None:
        """What a tool of the program says; None where the call is for the avatar, or for nobody."""
        tool = next((tool for tool in self.tools if tool.name == call["name"]), None)
        return None if tool is None else await asyncio.to_thread(tool.call, call["arguments"])


def _answered(spoken: str, calls: Sequence[Call], results: Sequence[str | None]) -> list[dict[str, Any]]:
    """The calls and their results, as the next request tells them."""
    made = [
        {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"] or "{}"}}
        for call in calls
    ]
    told = [
        {"role": "tool", "tool_call_id": call["id"], "content": result or "done; now speak"}
        for call, result in zip(calls, results, strict=True)
    ]
    return [{"role": "assistant", "content": spoken or None, "tool_calls": made}, *told]
