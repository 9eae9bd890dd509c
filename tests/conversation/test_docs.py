"""What docs/conversation.md says to do, done: each of its ways leads to an answer."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bithuman_core.conversation import Brain, Line, Role, Tool, brain
from bithuman_core.conversation.chat_address import ChatAddress
from bithuman_core.conversation.realtime import RealtimeAddress
from bithuman_core.demo import run
from bithuman_core.settings import settings
from examples import receptionist
from tests.conversation.test_chat_address import Service, call, words
from tests.voice.test_address import listening

TEXT = (Path(__file__).parents[2] / "docs" / "conversation.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, re.DOTALL)


def variables(of: str) -> dict[str, str]:
    """The environment of the command that holds these words."""
    (command,) = (text for _, text in BLOCKS if of in text and "python app.py" in text)
    pairs = (word.split("=", 1) for word in shlex.split(command.replace("\\\n", " ")) if word.startswith("BITHUMAN_"))
    return dict(pairs)


def set_up(monkeypatch: pytest.MonkeyPatch, of: dict[str, str]) -> None:
    for name, value in of.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    yield
    settings.cache_clear()


async def answer(found: Brain | RealtimeAddress | None, said: str) -> str:
    assert found is not None and not isinstance(found, RealtimeAddress)
    return "".join([piece async for piece in found.answer([Line("user", said)], Role()) if isinstance(piece, str)])


@pytest.mark.parametrize("of", ["ollama serve", "https://api.openai.com"])
async def test_a_model_at_an_address_answers(monkeypatch: pytest.MonkeyPatch, of: str) -> None:
    service = Service()
    service.answers = [words("Good morning.")]
    with listening(service.app) as url:
        given = variables(of)
        assert urlsplit(given["BITHUMAN_LLM_URL"]).path == urlsplit(url).path == "/v1"
        set_up(monkeypatch, {**given, "BITHUMAN_LLM_URL": url})
        assert await answer(brain(), "Hello.") == "Good morning."
    (asked,) = service.requests
    assert asked["model"] == given["BITHUMAN_LLM_MODEL"]
    assert asked["messages"][0]["content"].startswith(given.get("BITHUMAN_PERSONA", ""))


def test_an_address_of_the_realtime_api_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(monkeypatch, variables("wss://"))
    found = brain()
    assert isinstance(found, RealtimeAddress) and found.voice == "marin" and found.address.url == "https://api.openai.com/v1"


async def test_the_kiosk_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = variables("museum.yaml")
    script = tmp_path / given["BITHUMAN_SCRIPT"]
    script.write_text(next(text for kind, text in BLOCKS if kind == "yaml"))
    set_up(monkeypatch, {"BITHUMAN_SCRIPT": str(script)})
    assert await answer(brain(), "How much is a ticket?") == "A ticket is twelve euros. Children are free."


async def test_a_tool_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Tool] = []
    monkeypatch.setattr(run, "main", lambda tools: served.extend(tools))
    (program,) = (text for kind, text in BLOCKS if kind == "python")
    module: dict[str, Any] = {"__name__": "docs"}
    exec(compile(program, "docs/conversation.md", "exec"), module)
    service = Service()
    service.answers = [call("free_tables", '{"day": "Friday"}'), words("On Friday at seven.")]
    with listening(service.app) as url:
        set_up(monkeypatch, {"BITHUMAN_LLM_URL": url})
        assert await answer(brain(served), "When can I come?") == "On Friday at seven."
    assert service.requests[1]["messages"][-1]["content"] == '["Friday at seven"]'


async def test_the_receptionist_knows_her_prices_and_answers_without_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    tool = Tool.of(receptionist.price_of_a_room)
    assert tool.call('{"kind": "double", "nights": 2}') == "240 euros" and "single, double" in tool.call('{"kind": "royal"}')
    served: list[Tool] = []
    monkeypatch.setattr(run, "main", lambda tools: served.extend(tools))
    for name in ("BITHUMAN_SCRIPT", "BITHUMAN_PERSONA"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    receptionist.main()
    settings.cache_clear()
    assert [each.name for each in served] == ["price_of_a_room"]
    assert await answer(brain(served), "And when is breakfast?") == "Breakfast is from seven to ten, on the first floor."
    monkeypatch.setenv("BITHUMAN_LLM_URL", "http://127.0.0.1:9/v1")
    settings.cache_clear()
    found = brain(served)
    assert isinstance(found, ChatAddress) and found.persona == receptionist.PERSONA and found.tools
