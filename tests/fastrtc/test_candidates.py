"""ICE candidates as Firefox, Chromium and Safari send them: each reaches aiortc, and what is none gets a sentence."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from bithuman_core.fastrtc.candidates import LONGEST, CandidateError, add_candidate, parse_candidate

FIREFOX = {
    "host": "candidate:0 1 UDP 2122252543 192.168.178.34 49203 typ host",
    "tcp": "candidate:2 1 TCP 2105524479 192.168.178.34 9 typ host tcptype active",
    "IPv6": "candidate:4 1 UDP 2122187007 2001:db8:7a1e::52 57713 typ host",
    "srflx": "candidate:1 1 UDP 1685987327 203.0.113.77 49203 typ srflx raddr 192.168.178.34 rport 49203",
    "relay": "candidate:3 1 UDP 92217343 198.51.100.9 61022 typ relay raddr 198.51.100.9 rport 61022",
    "relay by tcp": "candidate:5 1 UDP 8331263 198.51.100.9 50377 typ relay raddr 192.168.178.34 rport 51844",
    "mDNS": "candidate:0 1 UDP 2122252543 4361afc2-7cd2-4bbb-8f60-0a7d0f3b9b56.local 57128 typ host",
}
CHROMIUM = {
    "host": "candidate:2393089663 1 udp 2122260223 192.168.86.60 63692 typ host",
    "tcp": "candidate:3357129995 1 tcp 1518280447 192.168.86.60 9 typ host tcptype active",
    "IPv6": "candidate:1510613869 1 udp 2122063615 2001:db8:41::1d 50711 typ host",
    "srflx": "candidate:842163049 1 udp 1677729535 203.0.113.77 46154 typ srflx raddr 192.168.86.60 rport 63692",
    "relay": "candidate:3868912012 1 udp 41885439 198.51.100.9 51384 typ relay raddr 203.0.113.77 rport 46154",
    "hidden": "candidate:842163049 1 udp 1677729535 203.0.113.77 46155 typ srflx raddr 0.0.0.0 rport 0",
    "mDNS": "candidate:1389442021 1 udp 2113937151 7ab2bd5e-9d01-4cb8-a5a2-6c3ff9d49ddb.local 58264 typ host",
}
SAFARI = {
    "host": "candidate:1896785189 1 udp 2113937151 192.168.1.7 53291 typ host",
    "tcp": "candidate:2162486046 1 tcp 1518214911 192.168.1.7 9 typ host tcptype active",
    "IPv6": "candidate:4022866446 1 udp 2113939711 2001:db8:9::c3 60152 typ host",
    "srflx": "candidate:842163049 1 udp 1677732095 2001:db8:9::c3 60153 typ srflx raddr :: rport 0",
    "relay": "candidate:4030462137 1 udp 33562367 198.51.100.9 55300 typ relay raddr 203.0.113.77 rport 53291",
    "mDNS": "candidate:4102018230 1 udp 2113937151 3d2d1a9b-7b24-4a4e-9c69-1f2fd5ee7d5f.local 53291 typ host",
}
REAL = [
    *FIREFOX.values(),
    *(f"{text} generation 0 ufrag LkZb network-id 1 network-cost 10" for text in CHROMIUM.values()),
    *(f"{text} generation 0 ufrag 9uJm network-cost 999" for text in SAFARI.values()),
]
HOST = FIREFOX["host"]
GARBAGE = [
    "x",
    "candidate:0 1 UDP 2122252543 192.168.178.34 49203 typ",
    HOST.replace(" 1 UDP", " one UDP"),
    HOST.replace("2122252543", "much"),
    HOST.replace("49203", "65536"),
    HOST.replace("49203", "-1"),
    HOST.replace("typ host", "is host"),
    HOST.replace("typ host", "typ guest"),
    HOST.replace("192.168.178.34", "192.168.178.340"),
    HOST.replace("192.168.178.34", "example.org"),
    FIREFOX["srflx"].replace("rport 49203", "rport open"),
    HOST + " " * LONGEST,
    "\0" * 99,
    5,
    ["candidate"],
    {"candidate": HOST},
]


def told(text: Any, **more: Any) -> dict[str, Any]:
    """As RTCIceCandidate.toJSON() gives it."""
    return {"candidate": text, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "LkZb", **more}


@pytest.fixture
async def connection() -> AsyncIterator[RTCPeerConnection]:
    """A server's, with the offer of a browser that sends its candidates afterwards."""
    browser, server = RTCPeerConnection(), RTCPeerConnection()
    browser.createDataChannel("text")
    browser.addTransceiver("audio")
    await browser.setLocalDescription(await browser.createOffer())
    lines = browser.localDescription.sdp.splitlines(keepends=True)
    trickling = "".join(line for line in lines if not line.startswith(("a=candidate", "a=end-of-candidates")))
    await server.setRemoteDescription(RTCSessionDescription(trickling, "offer"))
    yield server
    await server.close()
    await browser.close()


def known(connection: RTCPeerConnection) -> set[tuple[str, int, str]]:
    """The ways to the browser that aiortc tries: address, port, type."""
    assert connection.sctp is not None
    ways = connection.sctp.transport.transport.getRemoteCandidates()
    return {(way.ip, way.port, way.type) for way in ways}


@pytest.mark.parametrize("text", REAL)
def test_a_candidate_of_a_browser_is_read_word_by_word(text: str) -> None:
    words, candidate = text.removeprefix("candidate:").split(), parse_candidate(told(text))
    assert candidate is not None
    assert (candidate.foundation, candidate.component, candidate.protocol) == (words[0], int(words[1]), words[2])
    assert (candidate.priority, candidate.ip, candidate.port) == (int(words[3]), words[4], int(words[5]))
    assert (candidate.type, candidate.sdpMid, candidate.sdpMLineIndex) == (words[7], "0", 0)
    further = dict(zip(words[8::2], words[9::2], strict=True))
    assert candidate.relatedAddress == further.get("raddr") and candidate.tcpType == further.get("tcptype")
    assert candidate.relatedPort == (int(further["rport"]) if "rport" in further else None)


@pytest.mark.parametrize("text", [text for text in REAL if ".local" not in text])
async def test_aiortc_tries_it(connection: RTCPeerConnection, text: str) -> None:
    words, before = text.split(), known(connection)
    await add_candidate(connection, told(text))
    assert known(connection) - before == {(words[4], int(words[5]), words[7])}


@pytest.mark.parametrize(
    "end", [told(""), told(None), told("candidate:"), {}, {"candidate": "", "sdpMid": None}, {"candidate": "\r\n"}]
)
async def test_the_end_of_candidates_ends_nothing(connection: RTCPeerConnection, end: dict[str, Any]) -> None:
    before = known(connection)
    await add_candidate(connection, end)
    assert known(connection) == before
    await add_candidate(connection, told(FIREFOX["relay"]))  # one that comes late
    assert len(known(connection) - before) == 1


@pytest.mark.parametrize("browser", [FIREFOX, CHROMIUM, SAFARI])
async def test_a_hidden_address_is_harmless_where_there_is_no_multicast(
    connection: RTCPeerConnection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, browser: dict[str, str]
) -> None:
    async def no_multicast(_: Any) -> Any:
        raise OSError("No such device")

    monkeypatch.setattr("aioice.ice.get_or_create_mdns_protocol", no_multicast)
    before = known(connection)
    with caplog.at_level(logging.WARNING):
        await add_candidate(connection, told(browser["mDNS"]))
        await add_candidate(connection, told(browser["tcp"]))
    assert {way for way in known(connection) - before if way[0].endswith(".local")} == set()
    assert not caplog.records


@pytest.mark.parametrize("candidate", [*map(told, GARBAGE), told(HOST, sdpMid=5), told(HOST, sdpMLineIndex="0"),
                                       {"candidate": HOST}])  # fmt: skip
def test_what_is_no_candidate_gets_one_sentence(candidate: dict[str, Any]) -> None:
    with pytest.raises(CandidateError, match=r"^The server did not understand [^.]+\.$"):
        parse_candidate(candidate)


async def test_candidates_of_a_second_component_and_of_an_ended_visit_are_left_out(connection: RTCPeerConnection) -> None:
    before = known(connection)
    await add_candidate(connection, told(HOST.replace(" 1 UDP", " 2 UDP")))
    assert known(connection) == before
    await connection.close()
    await add_candidate(connection, told(HOST))
