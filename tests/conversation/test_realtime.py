"""A talk by OpenAI's Realtime API, with its client and a WebSocket server that speaks as theirs does."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Response

from bithuman_core.conversation import Act, Line, Role, Tool
from bithuman_core.conversation.realtime import RATE, RealtimeAddress, RealtimeTalk
from bithuman_core.conversation.talk import AT_A_LOSS
from bithuman_core.errors import AddressError
from tests.conversation.test_talk import Stage, Voice, at_once

KEY = "sk-of-nobody"
SECOND = base64.b64encode(np.full(RATE, 3000, "<i2").tobytes()).decode()


class Service:
    """Keeps what it is sent, and says what a test says."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.lines: list[ServerConnection] = []
        self.status = 0
        self.paths: list[str] = []

    async def talk(self, line: ServerConnection) -> None:
        self.lines.append(line)
        async for message in line:
            self.heard.append(json.loads(message))

    def admit(self, line: ServerConnection, request: Any) -> Response | None:
        self.paths.append(request.path)
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        return line.respond(self.status, f"no {KEY}") if self.status else None

    async def say(self, *events: dict[str, Any]) -> None:
        for number, event in enumerate(events):
            await self.lines[-1].send(json.dumps({"event_id": f"e{number}", **event}))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.heard if event["type"] == kind]


async def until(true: Callable[[], Any]) -> None:
    async def waiting() -> None:
        while not true():
            await asyncio.sleep(0.005)

    await asyncio.wait_for(waiting(), 20)


@asynccontextmanager
async def listening(service: Service, tools: tuple[Tool, ...] = ()) -> AsyncIterator[RealtimeAddress]:
    """The address of a service."""
    async with serve(service.talk, "127.0.0.1", 0, process_request=service.admit) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield RealtimeAddress.of(f"ws://127.0.0.1:{port}/v1", "a-model", SecretStr(KEY), "marin", "You are Mara.", tools)


Made = tuple[Service, Stage, RealtimeTalk]


@asynccontextmanager
async def talking(status: int = 0, tools: tuple[Tool, ...] = ()) -> AsyncIterator[Made]:
    service, stage = Service(), Stage()
    service.status = status
    async with listening(service, tools) as brain:

        async def soon(seconds: float) -> None:
            await asyncio.sleep(0.01)

        talk = RealtimeTalk(stage, brain, Voice(), at_once, sleep=soon)
        talk.role = Role("You sell tea.", ("nod",), ())
        if not status:
            await until(lambda: service.of("session.update"))
        yield service, stage, talk
        await talk.close()


def answer(item: str = "i1", done: bool = True, words: str = "It is nine. Come in!") -> list[dict[str, Any]]:
    """An answer of a second."""
    base = {"response_id": "r", "item_id": item, "output_index": 0, "content_index": 0}
    events = [
        {"type": "response.created", "response": {"id": "r", "object": "realtime.response", "status": "in_progress"}},
        {"type": "response.output_audio_transcript.delta", "delta": words[:8], **base},
        {"type": "response.output_audio.delta", "delta": SECOND, **base},
        {"type": "response.output_audio_transcript.delta", "delta": words[8:], **base},
        {"type": "response.output_audio_transcript.done", "transcript": words, **base},
    ]
    return [*events, ended()] if done else events


def ended(status: str = "completed") -> dict[str, Any]:
    return {"type": "response.done", "response": {"id": "r", "object": "realtime.response", "status": status, "output": []}}


def called(name: str, arguments: str) -> dict[str, Any]:
    return {
        "type": "response.function_call_arguments.done", "response_id": "r", "item_id": "f", "output_index": 0,
        "call_id": "c1", "name": name, "arguments": arguments,
    }  # fmt: skip


HEARD = {
    "type": "conversation.item.input_audio_transcription.completed", "item_id": "u1", "content_index": 0,
    "transcript": " What  time is it?", "usage": {"type": "duration", "seconds": 1.0},
}  # fmt: skip
BEGAN = {"type": "input_audio_buffer.speech_started", "audio_start_ms": 0, "item_id": "u1"}
STOPPED = {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": 900, "item_id": "u1"}


async def test_sound_goes_in_and_an_answer_comes_out() -> None:
    async with talking() as (service, stage, talk):
        for _ in range(50):
            talk.hear(np.full(320, 500, np.int16))
        await until(lambda: len(service.of("input_audio_buffer.append")) >= 30)
        sent = b"".join(base64.b64decode(event["audio"]) for event in service.of("input_audio_buffer.append"))
        assert 0.8 * RATE < len(sent) / 2 < 1.1 * RATE and abs(int(np.frombuffer(sent, "<i2")[RATE // 2]) - 500) < 20
        session = service.of("session.update")[0]["session"]
        assert session["instructions"].startswith("You are Mara.") and session["audio"]["output"]["voice"] == "marin"
        assert session["audio"]["input"]["turn_detection"]["type"] == "server_vad"
        assert service.paths == ["/v1/realtime?model=a-model"]
        await service.say(BEGAN, STOPPED, HEARD, *answer())
        await until(lambda: stage.sounds and stage.sounds[0].whole)
        assert stage.of("state") == ["hearing", "thinking", "speaking"]
        assert stage.of("user") == ["What time is it?"] and stage.of("avatar") == ["It is nine.", "Come in!"]
        assert abs(stage.sounds[0].seconds - 1.0) < 0.01
        talk.spoken(stage.sounds[0])
        assert talk.history.lines == [Line("user", "What time is it?"), Line("avatar", "It is nine. Come in!")]
        assert talk.state == "listening"


async def test_who_speaks_into_it_ends_it_and_the_service_learns_what_was_heard() -> None:
    async with talking() as (service, stage, talk):
        await service.say(HEARD, *answer(done=False))
        await until(lambda: len(stage.of("avatar")) == 2)
        stage.played = 8000
        await service.say(BEGAN, *answer(done=False)[2:4])
        await until(lambda: service.of("conversation.item.truncate"))
        (cut,) = service.of("conversation.item.truncate")
        assert (cut["item_id"], cut["audio_end_ms"]) == ("i1", 500) and service.of("response.cancel")
        assert stage.hushed == 1 and talk.state == "hearing"
        assert talk.history.lines[-1].text in ("It is —", "It is nine. —")
        await service.say(ended("cancelled"), *answer("i2", words="Half past."))
        await until(lambda: len(stage.sounds) == 2 and stage.sounds[1].whole)
        assert stage.of("avatar")[-1] == "Half past."


async def test_typed_words_and_keys() -> None:
    async with talking() as (service, stage, talk):
        talk.read("  Hello ")
        await until(lambda: service.of("response.create"))
        assert service.of("conversation.item.create")[0]["item"]["content"] == [{"type": "input_text", "text": "Hello"}]
        assert stage.of("user") == ["Hello"]
        talk.by_key(True)
        talk.hear(np.ones(512, np.int16))
        talk.press()
        talk.hear(np.ones(512, np.int16))
        talk.let_go()
        await until(lambda: len(service.of("response.create")) == 2)
        kinds = [event["type"] for event in service.heard]
        assert kinds.count("input_audio_buffer.append") == 1 and "input_audio_buffer.commit" in kinds
        assert service.of("session.update")[-1]["session"]["audio"]["input"]["turn_detection"] is None


async def test_words_that_are_written_before_the_line_stands_are_answered_once_it_does() -> None:
    async with talking(503) as (service, stage, talk):
        talk.read("Hello")
        await until(lambda: stage.of("error"))
        service.status = 0
        await until(lambda: service.of("response.create"))
        kinds = [event["type"] for event in service.heard]
        assert kinds == ["session.update", "conversation.item.create", "response.create"]


async def test_a_gesture_is_made_and_words_are_asked_for() -> None:
    async with talking() as (service, stage, _):
        await service.say(answer()[0], called("gesture", '{"name": "nod"}'), ended())
        await until(lambda: service.of("response.create"))
        assert stage.acts == [Act("gesture", "nod")]
        assert service.of("conversation.item.create")[0]["item"]["type"] == "function_call_output"


def time_of_day(place: str) -> str:
    """What time it is somewhere."""
    return f"noon in {place}"


async def test_a_tool_of_the_program_is_asked_and_then_spoken_of() -> None:
    async with talking(tools=(Tool.of(time_of_day),)) as (service, _, _talk):
        await service.say(answer()[0], called("time_of_day", '{"place": "Rome"}'), ended())
        await until(lambda: service.of("response.create"))
        assert service.of("session.update")[0]["session"]["tools"][-1]["name"] == "time_of_day"
        told = service.of("conversation.item.create")[0]["item"]
        assert (told["output"], told["call_id"]) == ("noon in Rome", "c1")
        kinds = [event["type"] for event in service.heard]
        assert kinds.index("conversation.item.create") < kinds.index("response.create")


async def test_a_line_that_is_cut_is_taken_up_again_with_what_was_said() -> None:
    async with talking() as (service, stage, talk):
        await service.say(HEARD, *answer())
        await until(lambda: stage.sounds and stage.sounds[0].whole)
        talk.spoken(stage.sounds[0])
        service.heard.clear()
        await service.lines[0].close()
        await until(lambda: len(service.of("conversation.item.create")) == 2)
        assert "cut off" in stage.of("error")[0] and len(service.lines) == 2
        assert [event["item"]["role"] for event in service.of("conversation.item.create")] == ["user", "assistant"]


async def test_a_talk_that_is_forgotten_is_a_new_one_for_the_service() -> None:
    async with talking() as (service, stage, talk):
        await service.say(HEARD, *answer())
        await until(lambda: stage.sounds and stage.sounds[0].whole)
        service.heard.clear()
        talk.forget()
        await until(lambda: len(service.lines) == 2 and service.of("session.update"))
        assert service.of("conversation.item.create") == [] and stage.of("error") == [] and talk.state == "listening"


@pytest.mark.parametrize(("status", "says"), [(401, "take the key"), (404, "does not speak"), (429, "asked too much")])
async def test_a_service_that_refuses_is_told_in_a_sentence_without_the_key(status: int, says: str) -> None:
    async with talking(status) as (service, stage, talk):
        await until(lambda: stage.of("error"))
        assert says in stage.of("error")[0] and KEY not in str(stage.told)
        service.status = 0
        await until(lambda: service.lines)
        assert talk.state == "listening"


async def test_a_service_that_is_not_there_is_told() -> None:
    stage = Stage()
    talk = RealtimeTalk(stage, RealtimeAddress.of("ws://127.0.0.1:9/v1", "m", None, "v"), Voice(), at_once)
    talk.read("Hello?")
    await until(lambda: stage.sounds)
    assert "cannot be reached" in stage.of("error")[0] and stage.of("avatar") == [AT_A_LOSS] and stage.sounds[0].whole
    talk.spoken(stage.sounds[0])
    assert talk.state == "listening" and talk.history.lines == [Line("user", "Hello?")]
    await talk.close()


async def test_another_avatar_is_somebody_else_for_the_service() -> None:
    async with talking() as (service, _, talk):
        talk.role = Role("You sell coffee.", ("shake",))
        await until(lambda: len(service.of("session.update")) >= 2)
        session = service.of("session.update")[-1]["session"]
        assert "You sell coffee." in session["instructions"] and "tea" not in session["instructions"]
        assert session["tools"][0]["parameters"]["properties"]["name"]["enum"] == ["shake"]


@pytest.mark.parametrize(("kind", "told"), [("server_error", ["could not answer"]), ("invalid_request_error", [])])
async def test_of_the_services_faults_those_are_told_that_are_its_own(kind: str, told: list[str]) -> None:
    async with talking() as (service, stage, _):
        await service.say({"type": "error", "error": {"type": kind, "code": "x", "message": f"no {KEY}"}}, BEGAN)
        await until(lambda: stage.of("state"))
        assert len(stage.of("error")) == len(told)
        assert all(words in sentence and KEY not in sentence for words, sentence in zip(told, stage.of("error"), strict=True))


def test_what_is_no_address_is_said() -> None:
    with pytest.raises(AddressError, match="is not an address"):
        RealtimeAddress.of("ws:/nowhere", "m", None, "v")
