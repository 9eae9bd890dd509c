"""A TURN server of the host's own: its access goes to browsers and to aiortc, and what is wrong with it is said."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aiortc.rtcicetransport import connection_kwargs
from fastrtc import Stream

from bithuman_core.fastrtc import turn
from bithuman_core.fastrtc.own_turn import LIFETIME, PASSWORD, SECRET, URLS, USERNAME, timed_access
from bithuman_core.fastrtc.turn import KEYS, STUN, Route, miss_relay, relay_is_set_up

URL = "turn:relay.example.org:3478"


@pytest.fixture(autouse=True)
def nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def asked() -> Any:
        raise AssertionError("asked")

    for name in ("HF_TOKEN", STUN, *KEYS, URLS, USERNAME, PASSWORD, SECRET):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(turn, "get_cloudflare_turn_credentials_async", asked)


def setenv(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


async def test_the_access_goes_to_browsers_and_to_aiortc(monkeypatch: pytest.MonkeyPatch) -> None:
    setenv(monkeypatch, **{URLS: f"{URL} {URL}?transport=tcp", USERNAME: "avatar", PASSWORD: "open", "HF_TOKEN": "another"})
    assert relay_is_set_up()
    told = await Route().configuration()
    server = {"urls": [URL, f"{URL}?transport=tcp"], "username": "avatar", "credential": "open"}
    assert told == {"iceServers": [server], "relay": "ready"}
    configuration = Stream.convert_to_aiortc_format(told)
    assert configuration is not None and configuration.iceServers is not None
    used = connection_kwargs(configuration.iceServers)
    assert used["turn_server"] == ("relay.example.org", 3478) and used["turn_transport"] == "udp"
    assert (used["turn_username"], used["turn_password"]) == ("avatar", "open")


async def test_stun_servers_stand_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    setenv(monkeypatch, **{URLS: URL, USERNAME: "avatar", PASSWORD: "open", STUN: "stun:a.example.org"})
    told = await Route().configuration()
    assert [server["urls"] for server in told["iceServers"]] == ["stun:a.example.org", [URL]]


async def test_a_secret_gives_access_for_a_time_and_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    setenv(monkeypatch, **{URLS: URL, SECRET: "north"})
    before = int(time.time())
    told = await Route().configuration()
    (server,) = told["iceServers"]
    until = int(server["username"])
    assert before + LIFETIME <= until <= time.time() + LIFETIME
    assert (server["username"], server["credential"]) == timed_access("north", until)
    assert "north" not in str(told)


def test_the_access_is_that_of_the_draft() -> None:
    """As ``printf %s 1433895918 | openssl dgst -sha1 -hmac north -binary | base64``."""
    assert timed_access("north", 1433895918) == ("1433895918", "3dkl8uIBelQlraT8v9eCSJTyt+U=")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({}, "set BITHUMAN_TURN_USERNAME and BITHUMAN_TURN_PASSWORD, or BITHUMAN_TURN_SECRET."),
        ({USERNAME: "avatar"}, "no access to it"),
        ({PASSWORD: "open"}, "no access to it"),
        ({URLS: "relay.example.org", SECRET: "north"}, "'relay.example.org', which is no TURN URL"),
        ({URLS: f"{URL} stun:relay.example.org", SECRET: "north"}, "no TURN URL"),
        ({URLS: "turn:relay.example.org:many", SECRET: "north"}, "no TURN URL"),
        ({URLS: "turnip:relay.example.org", SECRET: "north"}, "no TURN URL"),
    ],
)
async def test_what_is_wrong_is_logged_without_a_secret(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, wrong: dict[str, str], sentence: str
) -> None:
    setenv(monkeypatch, **{URLS: URL, **wrong})
    assert await Route().configuration() == {"iceServers": [], "relay": "failed"}
    assert sentence in caplog.text and "north" not in caplog.text and "open" not in caplog.text


@pytest.mark.parametrize(
    ("relay", "sdp", "missed"),
    [("ready", "typ host", True), ("ready", "1 typ relay raddr", False), ("none", "typ host", False), ("failed", "", False)],
)
def test_a_relay_that_gives_the_server_no_address_is_logged(
    caplog: pytest.LogCaptureFixture, relay: str, sdp: str, missed: bool
) -> None:
    miss_relay({"relay": relay}, sdp)
    assert ("no address" in caplog.text) is missed
