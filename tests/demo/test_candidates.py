"""A page's ICE candidates on their way through the signalling route: taken, or refused with a sentence. No browser."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiortc import RTCPeerConnection
from fastapi.testclient import TestClient

from bithuman_core.demo.gallery import Gallery
from bithuman_core.settings import models_dir
from tests.demo.serving import demo_app

FIREFOX = "candidate:0 1 UDP 2122252543 192.0.2.34 49203 typ host"
OFFER = "webrtc/offer"


async def offered_sdp() -> str:
    """What a browser offers."""
    browser = RTCPeerConnection()
    browser.createDataChannel("text")
    browser.addTransceiver("video")
    browser.addTransceiver("audio")
    await browser.setLocalDescription(await browser.createOffer())
    await browser.close()
    return browser.localDescription.sdp


@pytest.fixture(scope="module")
def send() -> Iterator[Callable[[dict[str, Any]], Any]]:
    """Send a candidate of a page that has been answered."""
    with TestClient(demo_app(Gallery([models_dir() / "mara.imx"]), places=1)) as client:
        headers, named = {"X-Visit": client.post("/visit").json()["visit"]}, {"webrtc_id": "abcdefgh1234"}
        offer = {"type": "offer", "sdp": asyncio.run(offered_sdp()), **named}
        assert client.post(OFFER, json=offer, headers=headers).json()["type"] == "answer"
        yield lambda candidate: client.post(
            OFFER, json={"type": "ice-candidate", "candidate": candidate, **named}, headers=headers
        )


@pytest.mark.parametrize("text", [FIREFOX, f"{FIREFOX} generation 0 ufrag LkZb network-cost 10", ""])
def test_a_candidate_is_taken_without_a_word_in_the_log(
    send: Callable[[dict[str, Any]], Any], caplog: pytest.LogCaptureFixture, text: str
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = send({"candidate": text, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "LkZb"})
    assert (answer.status_code, answer.json()) == (200, {"status": "success"})
    assert not caplog.records


def test_what_is_no_candidate_is_refused_with_a_sentence(
    send: Callable[[dict[str, Any]], Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = send({"candidate": "candidate:what is this", "sdpMid": "0"})
    assert answer.status_code == 422
    assert answer.json()["error"] == "The server did not understand an ICE candidate of this browser, and goes on without it."
    assert not caplog.records
