"""The way to the server: without a relay nobody is asked, with one its access is handed on, and a relay that fails is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bithuman_core.fastrtc import turn
from bithuman_core.fastrtc.own_turn import URLS
from bithuman_core.fastrtc.turn import KEYS, STUN, Route, relay_is_set_up

SERVER = {"urls": ["turn:relay.example.org"], "username": "someone", "credential": "for ten minutes"}


class Owner:
    """Of the relay; counts how often it is asked."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, 0

    async def __call__(self) -> Any:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is None:
            await asyncio.sleep(3600)
        return self.answer


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", STUN, URLS, *KEYS):
        monkeypatch.delenv(name, raising=False)


def owned(monkeypatch: pytest.MonkeyPatch, answer: Any) -> Owner:
    owner = Owner(answer)
    monkeypatch.setattr(turn, "get_cloudflare_turn_credentials_async", owner)
    monkeypatch.setattr(turn, "PATIENCE", 0.05)
    return owner


async def test_without_a_relay_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = owned(monkeypatch, AssertionError("asked"))
    assert await Route().configuration() == {"iceServers": [], "relay": "none"}
    assert owner.asked == 0


@pytest.mark.parametrize("servers", [[SERVER], SERVER])
async def test_access_to_the_relay_is_handed_on_and_asked_for_once(monkeypatch: pytest.MonkeyPatch, servers: Any) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    owner, route = owned(monkeypatch, {"iceServers": servers}), Route()
    told = [await route.configuration() for _ in range(3)]
    assert told == [{"iceServers": [SERVER], "relay": "ready"}] * 3
    assert owner.asked == 1
    assert "secret" not in str(told)


@pytest.mark.parametrize("answer", [Exception("401 secret"), ValueError("no"), None])
async def test_a_relay_that_fails_is_told_without_its_secret(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answer: Any
) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    owned(monkeypatch, answer)
    assert await Route().configuration() == {"iceServers": [], "relay": "failed"}
    assert "relay" in caplog.text and "secret" not in caplog.text


def test_a_relay_needs_a_token_or_both_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEYS[0], "id")
    assert not relay_is_set_up()
    monkeypatch.setenv(KEYS[1], "token")
    assert relay_is_set_up()


async def test_stun_servers_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STUN, "stun:a.example.org stun:b.example.org:3478")
    told = await Route().configuration()
    assert told["iceServers"] == [{"urls": "stun:a.example.org"}, {"urls": "stun:b.example.org:3478"}]
