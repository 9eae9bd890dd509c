"""A brain at an address, by OpenAI's client and a real server that streams as they do: words, acts, faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import SecretStr

from bithuman_core.addresses import Address
from bithuman_core.conversation import Act, Line, Role, Tool
from bithuman_core.conversation.chat_address import MANNER, ROUNDS, ChatAddress
from bithuman_core.conversation.tools import BROKEN
from bithuman_core.errors import AddressError
from tests.voice.test_address import listening

KEY = "sk-of-nobody"
ROLE = Role("", ("nod", "shake"), ("joy",))
TALK = [Line("user", "Hello"), Line("avatar", "Hi."), Line("user", "How are you?")]


def words(*pieces: str) -> list[dict[str, Any]]:
    return [{"content": piece} for piece in pieces]


def call(name: str, arguments: str, index: int = 0) -> list[dict[str, Any]]:
    """A call as it is streamed: its name, then its arguments in two pieces."""
    head = {"index": index, "id": f"id{index}", "type": "function", "function": {"name": name, "arguments": ""}}
    halves = arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :]
    return [{"tool_calls": [head]}, *({"tool_calls": [{"index": index, "function": {"arguments": half}}]} for half in halves)]


class Service:
    """Streams the deltas that it is given, request after request."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answers: list[list[dict[str, Any]]] = []
        self.status, self.breaks_off, self.hangs = 200, False, False
        self.left = asyncio.Event()
        self.app = FastAPI()
        self.app.post("/v1/chat/completions")(self.chat)

    async def chat(self, request: Request) -> Response:
        self.requests.append(await request.json())
        if self.status != 200:
            return JSONResponse({"error": {"message": f"no {KEY}"}}, self.status)
        return StreamingResponse(self._stream(self.answers.pop(0)), media_type="text/event-stream")

    async def _stream(self, deltas: list[dict[str, Any]]) -> AsyncIterator[str]:
        try:
            for delta in deltas:
                choices = [{"index": 0, "delta": delta}]
                chunk = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": choices}
                yield f"data: {json.dumps(chunk)}\n\n"
            if self.breaks_off:
                raise ConnectionError("the wire is cut")
            while self.hangs:
                await asyncio.sleep(0.01)
                yield ": still thinking\n\n"
            yield "data: [DONE]\n\n"
        finally:
            self.hangs = False


@pytest.fixture
def service() -> Iterator[tuple[Service, ChatAddress]]:
    service = Service()
    with listening(service.app) as url:
        yield service, ChatAddress(Address(url, "a-model", SecretStr(KEY)), "You are Mara.")


async def answered(brain: ChatAddress, role: Role = ROLE) -> list[str | Act]:
    return [piece async for piece in brain.answer(TALK, role)]


async def test_words_come_as_they_are_made_and_the_whole_talk_is_told(service: tuple[Service, ChatAddress]) -> None:
    there, brain = service
    there.answers = [words("I am ", "fine.", "", " And you?")]
    assert await answered(brain) == ["I am ", "fine.", " And you?"]
    (asked,) = there.requests
    assert asked["model"] == "a-model" and asked["stream"] is True
    assert asked["messages"] == [
        {"role": "system", "content": f"You are Mara.\n\n{MANNER}"},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": "How are you?"},
    ]
    assert [tool["function"]["name"] for tool in asked["tools"]] == ["gesture", "emotion"]


async def test_a_gesture_beside_the_words_is_made(service: tuple[Service, ChatAddress]) -> None:
    there, brain = service
    there.answers = [[*words("Yes."), *call("gesture", '{"name": "nod"}')]]
    assert await answered(brain) == ["Yes.", Act("gesture", "nod")] and len(there.requests) == 1


async def test_who_only_acts_is_asked_for_words(service: tuple[Service, ChatAddress]) -> None:
    there, brain = service
    there.answers = [[*call("emotion", '{"name": "joy"}'), *call("gesture", '{"name": "nod"}', 1)], words("How nice!")]
    assert await answered(brain) == [Act("emotion", "joy"), Act("gesture", "nod"), "How nice!"]
    roles = [message["role"] for message in there.requests[1]["messages"]]
    assert roles[-3:] == ["assistant", "tool", "tool"]


async def test_who_never_speaks_is_not_asked_for_ever(service: tuple[Service, ChatAddress]) -> None:
    there, brain = service
    there.answers = [call("gesture", '{"name": "nod"}')] * 9
    assert await answered(brain) == [Act("gesture", "nod")] * ROUNDS


@pytest.mark.parametrize("arguments", ['{"name": "somersault"}', "{", "[]", "3", '{"name": ["nod"]}', '{"nom": "nod"}', ""])
async def test_what_the_avatar_cannot_do_is_left_out(service: tuple[Service, ChatAddress], arguments: str) -> None:
    there, brain = service
    there.answers = [[*words("Well."), *call("gesture", arguments), *call("explode", '{"name": "nod"}', 1)]]
    assert await answered(brain) == ["Well."]


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "take the key"), (404, "does not know the model 'a-model'"), (429, "asked too much"), (500, r"error \(500\)")],
)
async def test_faults_are_said_in_one_sentence(service: tuple[Service, ChatAddress], status: int, says: str) -> None:
    there, brain = service
    there.status = status
    with pytest.raises(AddressError, match=says) as failed:
        await answered(brain)
    assert KEY not in str(failed.value) and "127.0.0.1" in str(failed.value)


async def test_half_an_answer_is_given_and_then_its_end_is_said(service: tuple[Service, ChatAddress]) -> None:
    there, brain = service
    there.answers, there.breaks_off = [words("Once upon ")], True
    heard = []
    with pytest.raises(AddressError, match="brain at"):
        async for piece in brain.answer(TALK, ROLE):
            heard.append(piece)
    assert heard == ["Once upon "]


async def test_who_stops_listening_ends_the_request(service: tuple[Service, ChatAddress]) -> None:
    there, brain = service
    there.answers, there.hangs = [words("One.")], True
    answer = brain.answer(TALK, ROLE)
    assert await anext(answer) == "One."
    await answer.aclose()  # type: ignore[attr-defined]
    while there.hangs:
        await asyncio.sleep(0.01)


async def test_a_brain_that_is_not_there_is_said() -> None:
    with pytest.raises(AddressError, match="cannot be reached"):
        await answered(ChatAddress(Address("http://127.0.0.1:9/v1", "m")))


async def test_a_persona_of_the_avatars_own_follows_the_hosts(service: tuple[Service, ChatAddress]) -> None:
    there, brain = service
    there.answers = [words("Hi.")]
    await answered(brain, Role("You sell tea.", emotions=()))
    (asked,) = there.requests
    assert asked["messages"][0]["content"] == f"You are Mara.\n\nYou sell tea.\n\n{MANNER}" and "tools" not in asked


def free_tables(day: str, seats: int = 2) -> list[str]:
    """The times at which a table is free."""
    if day == "never":
        raise KeyError(day)
    return [f"{day} at seven for {seats}"]


async def test_a_tool_of_the_program_is_asked_and_its_answer_spoken_of(service: tuple[Service, ChatAddress]) -> None:
    there, brain = service
    there.answers = [[*words("Let me see."), *call("free_tables", '{"day": "Friday", "seats": 4}')], words("At seven.")]
    assert await answered(replace(brain, tools=(Tool.of(free_tables),))) == ["Let me see.", " ", "At seven."]
    first, second = there.requests
    assert first["tools"][-1]["function"] == {
        "name": "free_tables",
        "description": "The times at which a table is free.",
        "parameters": Tool.of(free_tables).takes.model_json_schema(),
    }
    assert second["messages"][-2]["content"] == "Let me see."
    assert second["messages"][-1] == {"role": "tool", "tool_call_id": "id0", "content": '["Friday at seven for 4"]'}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [('{"day": "never"}', BROKEN), ("{}", "Wrong arguments: day"), ('{"day": "a", "x": 1}', "arguments: x"), ("[", "all")],
)
async def test_a_tool_that_breaks_is_told_to_the_model_alone(
    service: tuple[Service, ChatAddress], arguments: str, told: str
) -> None:
    there, brain = service
    there.answers = [call("free_tables", arguments), words("Sorry.")]
    assert await answered(replace(brain, tools=(Tool.of(free_tables),))) == ["Sorry."]
    assert told in there.requests[1]["messages"][-1]["content"]


@pytest.mark.parametrize("wrong", [lambda day: day, print, Service.chat])
def test_what_a_model_could_not_understand_is_no_tool(wrong: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="cannot be a tool"):
        Tool.of(wrong)
